#include "data/store.h"
#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using testing::FloatEq;

constexpr std::string_view kVotesHeader =
    "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n";

class FerPlus : public Miniature {
 protected:
  void votes(std::string_view rows) {
    file("fer2013new.csv", fmt::format("{}{}", kVotesHeader, rows));
  }
  void SetUp() override {
    votes(
        "Training,fer0000000.png,1,0,0,6,0,0,3,0,0,0\n"    // sadness
        "Training,fer0000001.png,4,4,0,0,0,0,0,0,2,0\n"    // no majority, a draw
        "PublicTest,fer0000002.png,4,3,1,1,1,0,0,0,0,0\n"  // 4 of 7 once single votes are gone
        "PrivateTest,,0,0,0,0,0,0,0,0,0,10\n");            // no face
    file("FER2013Train/fer0000000.png", "x");
    file("FER2013Train/fer0000001.png", "x");
    file("FER2013Valid/fer0000002.png", "x");
  }
};

TEST_F(FerPlus, MajorityAndVotes) {
  const auto set = load_dataset("ferplus", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->classes, ElementsAre("neutral", "happiness", "surprise", "sadness", "anger",
                                        "disgust", "fear", "contempt"));
  ASSERT_THAT(set->samples, SizeIs(2));
  EXPECT_EQ(set->unlabelled, 2);
  EXPECT_THAT(set->samples[0].labels, ElementsAre(3));
  EXPECT_THAT(set->samples[0].soft,
              ElementsAre(FloatEq(0.1F), 0, 0, FloatEq(0.6F), 0, 0, FloatEq(0.3F), 0));
  EXPECT_EQ(set->samples[0].extra.at("fp_fear"), "3");
  EXPECT_EQ(set->samples[0].frames[0], "FER2013Train/fer0000000.png");
  EXPECT_THAT(set->samples[1].labels, ElementsAre(0));
  EXPECT_EQ(set->samples[1].split, "val");
}

TEST_F(FerPlus, PluralityAndUnlabelled) {
  votes(
      "Training,fer0000000.png,3,2,2,0,0,0,0,0,2,1\nTraining,fer0000001.png,0,4,0,0,0,0,0,0,6,0\n");
  EXPECT_THAT(problem("ferplus"), HasSubstr("no sample with a label"));
  const auto set = load_dataset("ferplus", dir_.path(), {.variant = "plurality"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->samples, SizeIs(1));
  const auto all = load_dataset("ferplus", dir_.path(), {.keep_unlabelled = true});
  ASSERT_THAT(all->samples, SizeIs(2));
  EXPECT_THAT(all->samples[1].labels, IsEmpty());
  EXPECT_THAT(all->samples[1].soft[1], FloatEq(1));
}

TEST_F(FerPlus, VotesFollowTheOrder) {
  const auto set = load_dataset("ferplus", dir_.path(), {.order = LabelOrder::kPeers});
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->classes[1], "sadness");
  EXPECT_EQ(set->classes[7], "contempt");
  EXPECT_THAT(set->samples[0].soft[1], FloatEq(0.6F));
  EXPECT_THAT(set->samples[0].labels, ElementsAre(1));
}

TEST_F(FerPlus, PicturesFromTheRowsOfFer2013) {
  std::filesystem::remove_all(dir_ / "FER2013Train");
  std::filesystem::remove_all(dir_ / "FER2013Valid");
  EXPECT_THAT(problem("ferplus"), HasSubstr("has no pictures (expected folders FER2013Train"));
  file("fer2013.csv", "emotion,pixels,Usage\n0,1,Training\n0,1,Training\n0,1,PublicTest\n");
  EXPECT_EQ(problem("ferplus"),
            "corrupt: DIR/fer2013new.csv: has 4 rows (expected 3, as DIR/fer2013.csv has)");
  file("fer2013.csv",
       "emotion,pixels,Usage\n0,1,Training\n0,1,Training\n0,1,PublicTest\n0,1,PrivateTest\n");
  const auto set = load_dataset("ferplus", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->samples[1].frames[0], "fer0000002.pgm");
  EXPECT_TRUE(set->store->contains("fer0000002.pgm"));
}

TEST_F(FerPlus, Damage) {
  votes("Training,fer0000000.png,1,0,0,6,0,0,x,0,0,0\n");
  EXPECT_EQ(problem("ferplus"),
            "corrupt: DIR/fer2013new.csv:2: fear is 'x' (expected a number of votes)");
  votes("Train,fer0000000.png,1,0,0,6,0,0,3,0,0,0\n");
  EXPECT_THAT(problem("ferplus"), HasSubstr("fer2013new.csv:2: Usage 'Train' (expected"));
  votes("Training,fer0000009.png,1,0,0,6,0,0,3,0,0,0\n");
  EXPECT_THAT(problem("ferplus"),
              HasSubstr("fer2013new.csv:2: picture 'FER2013Train/fer0000009.png' is missing"));
  file("fer2013new.csv", "Usage,Image name,neutral\nTraining,a.png,1\n");
  EXPECT_THAT(problem("ferplus"), HasSubstr("fer2013new.csv:1: has no column 'happiness'"));
  votes("Training,fer0000000.png,1,0\n");
  EXPECT_THAT(problem("ferplus"), HasSubstr("fer2013new.csv:2: has 4 cells (expected 12"));
}

}  // namespace
}  // namespace mien::data
