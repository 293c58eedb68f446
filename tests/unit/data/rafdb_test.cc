#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class RafDb : public Miniature {
 protected:
  void SetUp() override {
    file("EmoLabel/list_patition_label.txt", "train_00001.jpg 5\ntest_0001.jpg 7\n");
    file("Image/aligned/train_00001_aligned.jpg", "x");
    file("Image/aligned/test_0001_aligned.jpg", "x");
  }
};

TEST_F(RafDb, LabelsFromOne) {
  const auto set = load_dataset("rafdb", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->classes, ElementsAre("surprise", "fear", "disgust", "happiness", "sadness",
                                        "anger", "neutral"));
  ASSERT_THAT(set->samples, SizeIs(2));
  EXPECT_EQ(set->samples[0].id, "train_00001");
  EXPECT_EQ(set->samples[0].frames[0], "Image/aligned/train_00001_aligned.jpg");
  EXPECT_THAT(set->samples[0].labels, ElementsAre(4));
  EXPECT_EQ(set->samples[1].split, "test");
  EXPECT_THAT(load_dataset("rafdb", dir_.path(), {.split = "test"})->samples, SizeIs(1));
}

TEST_F(RafDb, ListsOfE2nFerCountFromZero) {
  file("train_label.txt", "train_00001_aligned.jpg 4\n");
  file("test_label.txt", "sub/test_0001_aligned.jpg 6\n");
  file("Image/train_00001_aligned.jpg", "x");
  file("Image/sub/test_0001_aligned.jpg", "x");
  const auto set = load_dataset("rafdb", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  ASSERT_THAT(set->samples, SizeIs(2));
  EXPECT_THAT(set->samples[0].labels, ElementsAre(4));
  EXPECT_EQ(set->samples[1].frames[0], "Image/sub/test_0001_aligned.jpg");
  file("train_label.txt", "train_00001_aligned.jpg 7\n");
  EXPECT_EQ(problem("rafdb"), "corrupt: DIR/train_label.txt:1: label '7' (expected 0..6)");
}

TEST_F(RafDb, Damage) {
  const std::string list = "EmoLabel/list_patition_label.txt";
  file(list, "train_00001.jpg 5\ntrain_00002.jpg 0\n");
  EXPECT_EQ(problem("rafdb"), "corrupt: DIR/" + list + ":2: label '0' (expected 1..7)");
  file(list, "train_00001.jpg\t5\n");
  EXPECT_THAT(problem("rafdb"), HasSubstr(":1: 'train_00001.jpg\t5' (expected a picture and"));
  file(list, "val_00001.jpg 5\n");
  EXPECT_THAT(problem("rafdb"), HasSubstr(":1: picture 'val_00001.jpg' (expected train_..."));
  file(list, "train_00009.jpg 5\n");
  EXPECT_THAT(problem("rafdb"),
              HasSubstr(":1: picture 'Image/aligned/train_00009_aligned.jpg' is missing"));
}

}  // namespace
}  // namespace mien::data
