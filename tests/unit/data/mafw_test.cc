#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// "small" and "tears" in Chinese, in GBK and in UTF-8.
constexpr std::string_view kGbk = "\xD0\xA1\xC0\xE1";
constexpr std::string_view kUtf8 = "\xE5\xB0\x8F\xE6\xB3\xAA";

class Mafw : public Miniature {
 protected:
  void SetUp() override {
    for (const int id : {1, 2, 3, 4}) clip(fmt::format("data/faces/{:05}", id));
    file(own("single", "with", "train"),
         fmt::format("00001.mp4\tanger\t{}\tA frown, and a tight mouth.\n00002.mp4\tcontempt\n",
                     kGbk));
    file(own("single", "no", "test"), "00003.mp4\tdisappointment\t\t\n");
  }
  static std::string own(std::string_view kind, std::string_view captions, std::string_view split) {
    return fmt::format("Train_Test_Set/{}/{}_caption_new/set_1/{}.txt", kind, captions, split);
  }
};

TEST_F(Mafw, SingleWithCaptionsInGbk) {
  const auto set = load_dataset("mafw", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  ASSERT_THAT(set->samples, SizeIs(3));
  EXPECT_THAT(set->classes,
              ElementsAre("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise",
                          "contempt", "anxiety", "helplessness", "disappointment"));
  EXPECT_EQ(set->samples[0].id, "00001");
  EXPECT_EQ(set->samples[0].caption, "A frown, and a tight mouth.");
  EXPECT_EQ(set->samples[0].extra.at("caption_zh"), kUtf8);
  EXPECT_THAT(set->samples[1].labels, ElementsAre(7));
  EXPECT_EQ(set->samples[1].caption, "");
  EXPECT_EQ(set->samples[2].split, "test");
  EXPECT_THAT(set->samples[2].labels, ElementsAre(10));
}

TEST_F(Mafw, Utf8StaysAsItIs) {
  file(own("single", "with", "train"), fmt::format("00001.mp4\tanger\t{}\tx\n", kUtf8));
  EXPECT_EQ(load_dataset("mafw", dir_.path())->samples[0].extra.at("caption_zh"), kUtf8);
}

TEST_F(Mafw, CaptionsAreAChoice) {
  EXPECT_THAT(problem("mafw", {.split = "train", .captions = CaptionUse::kWithout}),
              HasSubstr("no_caption_new/set_1/train.txt"));
  file(own("single", "no", "train"), "00004.mp4\tfear\n");
  const auto set =
      load_dataset("mafw", dir_.path(), {.split = "train", .captions = CaptionUse::kWithout});
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->samples[0].id, "00004");
}

TEST_F(Mafw, CompoundLabels) {
  file(own("compound", "with", "train"), "00001.mp4\tanger_disgust\t-\t-\n00002.mp4\tsadness\n");
  const auto set = load_dataset("mafw", dir_.path(), {.split = "train", .variant = "compound"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->samples[0].labels, ElementsAre(0, 1));
  EXPECT_EQ(set->samples[0].caption, "");
  file(own("single", "with", "train"), "00001.mp4\tanger_disgust\n");
  EXPECT_THAT(problem("mafw"), HasSubstr("train.txt:1: emotions 'anger_disgust' (expected one"));
}

TEST_F(Mafw, BothLabelOrders) {
  const auto peers = load_dataset("mafw", dir_.path(), {.order = LabelOrder::kPeers});
  ASSERT_TRUE(peers.ok());
  EXPECT_THAT(peers->classes,
              ElementsAre("happiness", "sadness", "neutral", "anger", "surprise", "disgust", "fear",
                          "contempt", "anxiety", "helplessness", "disappointment"));
  EXPECT_THAT(peers->samples[0].labels, ElementsAre(3));
  const auto emoclip = load_dataset("mafw", dir_.path(), {.order = LabelOrder::kEmoClip});
  EXPECT_EQ(emoclip->classes[0], "anger");
}

// The same clips, numbered otherwise; the last line of these files may lack its end.
TEST_F(Mafw, ListsOfThePeersMeanTheirOwnNumbers) {
  std::filesystem::remove_all(dir_ / "Train_Test_Set");
  file("MAFW_set_1_train.txt", "/x/data/faces/00001 2 3\n/x/data/faces/00002 2 7");
  file("MAFW_set_1_test.txt", "/x/data/faces/00003 2 0");
  const auto set = load_dataset("mafw", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->classes[0], "anger");
  EXPECT_THAT(set->samples[0].labels, ElementsAre(0));
  EXPECT_THAT(set->samples[1].labels, ElementsAre(7));
  EXPECT_THAT(set->samples[2].labels, ElementsAre(3));
}

TEST_F(Mafw, ListsOfHesp) {
  file("MAFW_train.txt", "/x/frames/Train/Angry/00001 2 0 Angry\n/x/Happy/00002 2 3 Happy\n");
  file("MAFW_val.txt", "/x/Anxiety/00003 2 8 Anxiety\n");
  const auto set = load_dataset("mafw", dir_.path(), {.variant = "hesp"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->samples[1].labels, ElementsAre(3));
  EXPECT_EQ(set->samples[2].split, "val");
  EXPECT_THAT(problem("mafw", {.split = "test", .variant = "hesp"}),
              HasSubstr("variant hesp has no split 'test' (expected train or val)"));
  file("MAFW_train.txt", "/x/frames/Train/Angry/00001 2 3 Angry\n");
  EXPECT_EQ(problem("mafw", {.variant = "hesp"}),
            "corrupt: DIR/MAFW_train.txt:1: label 3 is happiness, but the line says 'Angry'");
}

TEST_F(Mafw, Damage) {
  EXPECT_THAT(problem("mafw", {.split = "val"}), HasSubstr("variant single has no split 'val'"));
  EXPECT_THAT(problem("mafw", {.variant = "both"}),
              HasSubstr("has no variant 'both' (expected single, compound, hesp)"));
  EXPECT_THAT(problem("mafw", {.fold = 2}), HasSubstr("not_found: DIR: has no annotation file"));
  file(own("single", "with", "train"), "00001.mp4\tanger\n00002.mp4\tbored\n");
  EXPECT_THAT(problem("mafw"), HasSubstr("train.txt:2: emotion 'bored' (expected one of anger, "));
  file(own("single", "with", "train"), "00001.mp4 anger\n");
  EXPECT_THAT(problem("mafw"), HasSubstr("train.txt:1: '00001.mp4 anger' (expected a file and"));
  file(own("single", "with", "train"), "00001.mp4\tanger\n00009.mp4\tanger\n");
  EXPECT_THAT(problem("mafw"), HasSubstr("train.txt:2: folder 'data/faces/00009' has no pictures"));
  file(own("single", "with", "train"), "00001.mp4\tanger\n00002.mp4\tfear\t\xFF\xFF\n");
  EXPECT_THAT(problem("mafw"), HasSubstr("train.txt:2: invalid text (expected GBK)"));
}

}  // namespace
}  // namespace mien::data
