#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Ferv39k : public Miniature {
 protected:
  void SetUp() override {
    clip("2_ClipsforFaceCrop/Action/Happy/0001");
    clip("2_ClipsforFaceCrop/War/Fear/0267");
    clip("2_ClipsforFaceCrop/War/Sad/0001");
    file("train_image.txt",
         "D:\\data\\2_ClipsforFaceCrop\\Action\\Happy\\0001 2 0\n/x/War/Fear/0267 2 6\n");
    file("test_image.txt", "/x/War/Sad/0001 2 1\n");
  }
};

TEST_F(Ferv39k, ClipsOfScenes) {
  const auto set = load_dataset("ferv39k", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  ASSERT_THAT(set->samples, SizeIs(3));
  EXPECT_EQ(set->samples[0].id, "Action/Happy/0001");
  EXPECT_EQ(set->samples[1].extra.at("scene"), "War");
  EXPECT_EQ(set->classes[static_cast<std::size_t>(set->samples[1].labels[0])], "fear");
  EXPECT_EQ(set->samples[2].split, "test");
  EXPECT_EQ(set->samples[2].frames[1], "2_ClipsforFaceCrop/War/Sad/0001/002.jpg");
  EXPECT_THAT(set->notes, IsEmpty());
}

TEST_F(Ferv39k, ListsOfThePeersAndDescriptions) {
  std::filesystem::remove(dir_ / "test_image.txt");
  file("FERV39k_test.txt", "/x/War/Sad/0001 2 1");
  file("test_descriptions.json", R"({"War_Sad_0001": "a frown", "War_Sad_0002": "tears"})");
  const auto set = load_dataset("ferv39k", dir_.path(), {.split = "test"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->samples[0].caption, "a frown");
  const auto without =
      load_dataset("ferv39k", dir_.path(), {.split = "test", .captions = CaptionUse::kWithout});
  EXPECT_EQ(without->samples[0].caption, "");
  file("test_descriptions.json", R"({"War_Sad_0001": 1})");
  EXPECT_THAT(problem("ferv39k"),
              HasSubstr("test_descriptions.json: 'War_Sad_0001' is not a string"));
  file("test_descriptions.json", "{");
  EXPECT_THAT(problem("ferv39k"), HasSubstr("corrupt: DIR/test_descriptions.json: "));
}

TEST_F(Ferv39k, LabelsInAnotherOrderDoNotPass) {
  file("train_image.txt", "/x/Action/Happy/0001 2 3\n");
  EXPECT_EQ(problem("ferv39k"),
            "corrupt: DIR/train_image.txt:1: label 3 is anger, but the folder is 'Happy' (expected "
            "label 0)");
}

TEST_F(Ferv39k, Damage) {
  EXPECT_EQ(problem("ferv39k", {.fold = 2}), "invalid_argument: ferv39k: has no folds (got 2)");
  file("train_image.txt", "/x/Action/Bored/0001 2 0\n");
  EXPECT_THAT(problem("ferv39k"), HasSubstr("train_image.txt:1: folder '/x/Action/Bored/0001'"));
  file("train_image.txt", "0001 2 0\n");
  EXPECT_THAT(problem("ferv39k"), HasSubstr("expected .../scene/Emotion/clip"));
  file("train_image.txt", "/x/Action/Happy/0009 2 0\n");
  EXPECT_THAT(problem("ferv39k"),
              HasSubstr("train_image.txt:1: folder '2_ClipsforFaceCrop/Action/Happy/0009' has no"));
  file("train_image.txt", "/x/Action/Happy/0001 2 x\n");
  EXPECT_THAT(problem("ferv39k"), HasSubstr("train_image.txt:1: label 'x' (expected 0..6)"));
}

}  // namespace
}  // namespace mien::data
