#include "data/store.h"
#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Dfew : public Miniature {
 protected:
  void SetUp() override {
    for (const int id : {1, 2, 3, 16000}) clip(fmt::format("DFEW_Frame_Face/{:05}", id), 3);
    file("DFEW_set_1_train.txt", "/home/a b/DFEW_Frame_Face/00001 3 0\n/x/00003 3 6\n");
    file("DFEW_set_1_test.txt", "/x/00002 3 5\r\n/x/16000 4 2");
  }
};

TEST_F(Dfew, ClipsOfAFold) {
  const auto set = load_dataset("dfew", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->name, "dfew");
  EXPECT_THAT(set->classes, ElementsAre("happiness", "sadness", "neutral", "anger", "surprise",
                                        "disgust", "fear"));
  ASSERT_THAT(set->samples, SizeIs(4));
  EXPECT_EQ(set->samples[0].id, "00001");
  EXPECT_EQ(set->samples[0].split, "train");
  EXPECT_THAT(set->samples[0].labels, ElementsAre(0));
  EXPECT_THAT(set->samples[0].frames,
              ElementsAre("DFEW_Frame_Face/00001/001.jpg", "DFEW_Frame_Face/00001/002.jpg",
                          "DFEW_Frame_Face/00001/003.jpg"));
  EXPECT_TRUE(set->store->contains(set->samples[0].frames[0]));
  EXPECT_EQ(set->samples[3].id, "16000");
  EXPECT_EQ(set->samples[3].split, "test");
  EXPECT_THAT(set->notes, ElementsAre(HasSubstr("1 clips have another number of frames")));
  EXPECT_THAT(load_dataset("dfew", dir_.path(), {.split = "test"})->samples, SizeIs(2));
}

TEST_F(Dfew, OfficialTablesCountFromOne) {
  file("EmoLabel_DataSplit/train(single-labeled)/set_2.csv", "video_name,label\n1,1\n16000,7\n");
  file("EmoLabel_DataSplit/test(single-labeled)/set_2.csv", "video_name,label\n2,3\n");
  const auto set = load_dataset("dfew", dir_.path(), {.fold = 2});
  ASSERT_TRUE(set.ok()) << set.status().message();
  ASSERT_THAT(set->samples, SizeIs(3));
  EXPECT_EQ(set->samples[0].id, "00001");
  EXPECT_THAT(set->samples[0].labels, ElementsAre(0));
  EXPECT_THAT(set->samples[1].labels, ElementsAre(6));
  file("EmoLabel_DataSplit/test(single-labeled)/set_2.csv", "video_name,label\n2,0\n");
  EXPECT_THAT(problem("dfew", {.fold = 2}), HasSubstr("set_2.csv:2: label '0' (expected 1..7)"));
  file("EmoLabel_DataSplit/test(single-labeled)/set_2.csv", "video,label\n2,0\n");
  EXPECT_THAT(problem("dfew", {.fold = 2}), HasSubstr("set_2.csv:1: has no column 'video_name'"));
}

TEST_F(Dfew, OtherFolderOfPictures) {
  clip("mine/00001");
  clip("mine/00003");
  const auto set = load_dataset("dfew", dir_.path(), {.split = "train", .pictures = "mine"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->samples[0].frames[0], "mine/00001/001.jpg");
}

TEST_F(Dfew, Damage) {
  EXPECT_EQ(problem("dfew", {.fold = 6}), "invalid_argument: dfew: has no fold 6 (expected 1..5)");
  EXPECT_EQ(problem("dfew", {.split = "val"}),
            "invalid_argument: dfew: has no split 'val' (expected train, test)");
  EXPECT_THAT(problem("dfew", {.fold = 3}), HasSubstr("not_found: DIR: has no annotation file "
                                                      "(expected DFEW_set_3_train.txt or "));
  EXPECT_EQ(problem("dfew", {.pictures = "none"}),
            "not_found: DIR: has no pictures (expected a folder none)");
  file("DFEW_set_1_train.txt", "/x/00001 3 0\n/x/00002 3 7\n");
  EXPECT_EQ(problem("dfew"), "corrupt: DIR/DFEW_set_1_train.txt:2: label '7' (expected 0..6)");
  file("DFEW_set_1_train.txt", "/x/00001 3 0\n\n/x/00002,3,1\n");
  EXPECT_THAT(problem("dfew"), HasSubstr("DFEW_set_1_train.txt:3: '/x/00002,3,1' (expected a "));
  file("DFEW_set_1_train.txt", "/x/00001 -3 0\n");
  EXPECT_THAT(problem("dfew"), HasSubstr("DFEW_set_1_train.txt:1: '/x/00001 -3 0' (expected"));
  file("DFEW_set_1_train.txt", "");
  EXPECT_THAT(problem("dfew"), HasSubstr("DFEW_set_1_train.txt: has no line"));
}

TEST_F(Dfew, ClipsWithoutFrames) {
  file("DFEW_set_1_train.txt", "/x/00001 3 0\n/x/00009 3 1\n");
  EXPECT_EQ(problem("dfew"),
            "corrupt: DIR/DFEW_set_1_train.txt:2: folder 'DFEW_Frame_Face/00009' has no pictures "
            "(expected the frames)");
  const auto set = load_dataset("dfew", dir_.path(), {.split = "train", .allow_missing = true});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->samples, SizeIs(1));
  EXPECT_THAT(set->missing, ElementsAre(HasSubstr("DFEW_set_1_train.txt:2: folder")));
}

}  // namespace
}  // namespace mien::data
