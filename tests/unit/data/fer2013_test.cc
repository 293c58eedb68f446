#include "data/store.h"
#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string pixels(int value, int count = 2304) {
  std::string out;
  for (int i = 0; i < count; ++i) out += fmt::format("{}{}", i == 0 ? "" : " ", value);
  return out;
}

class Fer2013 : public Miniature {
 protected:
  void rows(std::string_view text) { file("fer2013.csv", text); }
  void SetUp() override {
    rows(fmt::format("emotion,pixels,Usage\n0,{},Training\n6,{},PublicTest\n3,\"{}\",PrivateTest\n",
                     pixels(7), pixels(255), pixels(9)));
  }
};

TEST_F(Fer2013, PicturesAreRows) {
  const auto set = load_dataset("fer2013", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->classes, ElementsAre("anger", "disgust", "fear", "happiness", "sadness",
                                        "surprise", "neutral"));
  ASSERT_THAT(set->samples, SizeIs(3));
  EXPECT_EQ(set->samples[1].id, "fer0000001");
  EXPECT_EQ(set->samples[1].split, "val");
  EXPECT_THAT(set->samples[1].labels, ElementsAre(6));
  const auto bytes = set->store->read(set->samples[2].frames[0]);
  ASSERT_TRUE(bytes.ok()) << bytes.status().message();
  const std::string text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  EXPECT_EQ(text, "P5\n48 48\n255\n" + std::string(2304, '\x09'));
}

TEST_F(Fer2013, TheFileItselfAndOneSplit) {
  const auto set = load_dataset("fer2013", dir_ / "fer2013.csv", {.split = "test"});
  ASSERT_TRUE(set.ok()) << set.status().message();
  ASSERT_THAT(set->samples, SizeIs(1));
  EXPECT_EQ(set->samples[0].frames[0], "fer0000002.pgm");
}

TEST_F(Fer2013, ColumnsOfTheSecondRelease) {
  rows(fmt::format("emotion, Usage, pixels\n4,Training,{}\n", pixels(1)));
  const auto set = load_dataset("fer2013", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->samples[0].labels, ElementsAre(4));
  EXPECT_TRUE(set->store->read("fer0000000.pgm").ok());
}

TEST_F(Fer2013, OrderOfThePeers) {
  const auto set = load_dataset("fer2013", dir_.path(), {.order = LabelOrder::kPeers});
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->classes[0], "happiness");
  EXPECT_THAT(set->samples[0].labels, ElementsAre(3));
}

TEST_F(Fer2013, DamagedTable) {
  rows("emotion,Usage\n0,Training\n");
  EXPECT_EQ(problem("fer2013"),
            "corrupt: DIR/fer2013.csv:1: has no column 'pixels' (columns: emotion, Usage)");
  rows("emotion,pixels,Usage\n0,1 2,Training\n7,1 2,Training\n");
  EXPECT_EQ(problem("fer2013"), "corrupt: DIR/fer2013.csv:3: label '7' (expected 0..6)");
  rows("emotion,pixels,Usage\n0,1 2,Test\n");
  EXPECT_THAT(problem("fer2013"), HasSubstr("fer2013.csv:2: Usage 'Test' (expected Training"));
  rows("emotion,pixels,Usage\n0,1 2\n");
  EXPECT_THAT(problem("fer2013"), HasSubstr("fer2013.csv:2: has 2 cells (expected 3"));
  rows("");
  EXPECT_THAT(problem("fer2013"), HasSubstr("fer2013.csv: is empty"));
  std::filesystem::remove(dir_ / "fer2013.csv");
  EXPECT_THAT(problem("fer2013"), HasSubstr("has no annotation file (expected fer2013.csv or"));
}

TEST_F(Fer2013, DamagedPixelsAreReportedWhenRead) {
  rows(
      fmt::format("emotion,pixels,Usage\n0,{},Training\n0,{},Training\n0,{} 256,Training\n0,{} x,"
                  "Training\n",
                  pixels(1, 2303), pixels(1, 2305), pixels(1, 2303), pixels(1, 2303)));
  const auto set = load_dataset("fer2013", dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  const auto said = [&](int row) {
    return test::problem_of(set->store->read(fmt::format("fer{:07}.pgm", row)));
  };
  EXPECT_THAT(said(0), HasSubstr("fer2013.csv:2: has 2303 pixels (expected 2304 numbers from 0"));
  EXPECT_THAT(said(1), HasSubstr("fer2013.csv:3: has more pixels"));
  EXPECT_THAT(said(2), HasSubstr("fer2013.csv:4: pixel 2303 is '256'"));
  EXPECT_THAT(said(3), HasSubstr("fer2013.csv:5: pixel 2303 is 'x'"));
  EXPECT_THAT(said(4), HasSubstr("not_found"));
  EXPECT_FALSE(set->store->contains("fer1.pgm"));
  EXPECT_FALSE(set->store->contains("x"));
}

}  // namespace
}  // namespace mien::data
