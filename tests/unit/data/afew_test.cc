#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Afew : public Miniature {
 protected:
  void SetUp() override {
    clip("AFEW_Face/train/Happiness/000046280");
    clip("AFEW_Face/validation/Angry/001");
    clip("AFEW_Face/validation/Fear/002", 3);
  }
};

TEST_F(Afew, FoldersAreTheAnnotation) {
  const auto set = load_dataset("afew", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  ASSERT_THAT(set->samples, SizeIs(3));
  EXPECT_EQ(set->samples[0].id, "train/Happiness/000046280");
  EXPECT_THAT(set->samples[0].labels, ElementsAre(0));
  EXPECT_EQ(set->samples[1].split, "val");
  EXPECT_THAT(set->samples[1].labels, ElementsAre(3));
  EXPECT_THAT(set->samples[2].frames, SizeIs(3));
  EXPECT_THAT(load_dataset("afew", dir_.path(), {.split = "val"})->samples, SizeIs(2));
}

TEST_F(Afew, Damage) {
  EXPECT_THAT(problem("afew", {.split = "test"}),
              HasSubstr("has no split 'test' (expected train, val)"));
  file("AFEW_Face/train/Fear/003/readme.txt", "x");
  EXPECT_THAT(problem("afew"), HasSubstr("folder 'AFEW_Face/train/Fear/003' has no pictures"));
  clip("AFEW_Face/train/Bored/004");
  EXPECT_EQ(problem("afew"),
            "corrupt: DIR/AFEW_Face/train/Bored: not a class (expected folders happiness, sadness, "
            "neutral, anger, surprise, disgust, fear)");
  std::filesystem::remove_all(dir_ / "AFEW_Face/train");
  EXPECT_EQ(problem("afew"),
            "not_found: DIR/AFEW_Face/train: missing or empty (expected class folders)");
  std::filesystem::remove_all(dir_ / "AFEW_Face");
  EXPECT_THAT(problem("afew"), HasSubstr("has no pictures (expected a folder AFEW_Face)"));
}

}  // namespace
}  // namespace mien::data
