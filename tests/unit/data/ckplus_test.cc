#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class CkPlus : public Miniature {
 protected:
  void SetUp() override {
    clip("cohn-kanade-images/S005/001", 5);
    clip("cohn-kanade-images/S010/002", 2);
    clip("cohn-kanade-images/S010/003", 4);
    file("cohn-kanade-images/S010/003/.DS_Store", "x");
    file(label("S005", "001"), "   3.0000000e+00\n");
    file(label("S010", "002"), "   7.0000000e+00\n");
    std::filesystem::create_directories(dir_ / "Emotion/S010/003");  // not labelled
  }
  static std::string label(std::string_view subject, std::string_view sequence) {
    return fmt::format("Emotion/{0}/{1}/{0}_{1}_00000011_emotion.txt", subject, sequence);
  }
};

TEST_F(CkPlus, Sequences) {
  const auto set = load_dataset("ckplus", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->classes, ElementsAre("anger", "contempt", "disgust", "fear", "happiness",
                                        "sadness", "surprise"));
  ASSERT_THAT(set->samples, SizeIs(2));
  EXPECT_EQ(set->unlabelled, 1);
  EXPECT_EQ(set->samples[0].id, "S005/001");
  EXPECT_EQ(set->samples[0].subject, "S005");
  EXPECT_THAT(set->samples[0].labels, ElementsAre(2));
  EXPECT_THAT(set->samples[0].frames, SizeIs(5));
  EXPECT_THAT(set->samples[1].labels, ElementsAre(6));
  EXPECT_THAT(load_dataset("ckplus", dir_.path(), {.keep_unlabelled = true})->samples, SizeIs(3));
}

TEST_F(CkPlus, Apex) {
  const auto set = load_dataset("ckplus", dir_.path(), {.variant = "apex"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  ASSERT_THAT(set->samples, SizeIs(5));
  EXPECT_EQ(set->samples[0].id, "S005/001/003.jpg");
  EXPECT_EQ(set->samples[0].extra.at("sequence"), "S005/001");
  EXPECT_THAT(set->samples[0].frames, SizeIs(1));
}

TEST_F(CkPlus, ApexAndNeutral) {
  const auto set = load_dataset("ckplus", dir_.path(), {.variant = "apex-neutral"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->classes.back(), "neutral");
  ASSERT_THAT(set->samples, SizeIs(6));
  EXPECT_EQ(set->samples[0].id, "S005/001/001.jpg");
  EXPECT_THAT(set->samples[0].labels, ElementsAre(7));
  // Two frames only: the first is neutral, the second the apex.
  EXPECT_THAT(set->samples[4].labels, ElementsAre(7));
  EXPECT_THAT(set->samples[5].labels, ElementsAre(6));
}

TEST_F(CkPlus, Damage) {
  EXPECT_EQ(problem("ckplus", {.split = "train"}),
            "invalid_argument: ckplus: has no splits (got 'train')");
  for (const std::string_view bad : {"8.0", "0", "2.5", "", "nan", "sad"}) {
    file(label("S005", "001"), fmt::format("  {}\n", bad));
    EXPECT_EQ(problem("ckplus"), fmt::format("corrupt: DIR/{}:1: label '{}' (expected 1..7)",
                                             label("S005", "001"), bad));
  }
  file(label("S005", "001"), "3.0");
  file("Emotion/S005/001/b_emotion.txt", "4.0");
  EXPECT_THAT(problem("ckplus"), HasSubstr("a second label for the sequence"));
  std::filesystem::remove(dir_ / "Emotion/S005/001/b_emotion.txt");
  file("cohn-kanade-images/S011/001/readme.txt", "x");
  EXPECT_THAT(problem("ckplus"), HasSubstr("folder 'cohn-kanade-images/S011/001' has no pictures"));
  std::filesystem::remove_all(dir_ / "Emotion");
  EXPECT_EQ(problem("ckplus"), "not_found: DIR: has no labels (expected a folder Emotion)");
}

}  // namespace
}  // namespace mien::data
