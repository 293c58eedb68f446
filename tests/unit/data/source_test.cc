#include "data/source.h"

#include "unit/data/miniature.h"

namespace mien::data {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class Source : public Miniature {
 protected:
  void SetUp() override {
    for (const char* id : {"1", "2"}) {
      clip(fmt::format("FER/2_ClipsforFaceCrop/Home/Sad/{}", id));
    }
    file("FER/train_image.txt", "Home/Sad/1 2 1\nHome/Sad/2 2 1\n");
    file("m.csv", "path,label\na.png,sad\n");
    file("c.csv", "sequence,caption\nHome/Sad/2,drooping lids\n");
  }
};

TEST_F(Source, ReadsBothKindsBelowAFolder) {
  SourceOptions options;
  options.dataset.split = "train";
  const auto set = load_source("ferv39k:FER", options, dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_THAT(set->samples, SizeIs(2));
  const auto manifest = load_source("m.csv", options, dir_.path());
  ASSERT_TRUE(manifest.ok()) << manifest.status().message();
  EXPECT_THAT(manifest->samples, SizeIs(1));
}

TEST_F(Source, CaptionsOfADatasetComeFromAFileByIds) {
  SourceOptions options;
  options.dataset.split = "train";
  options.manifest.captions = dir_ / "c.csv";
  const auto set = load_source("ferv39k:FER", options, dir_.path());
  ASSERT_TRUE(set.ok()) << set.status().message();
  EXPECT_EQ(set->samples[0].caption, "");
  EXPECT_EQ(set->samples[1].caption, "drooping lids");
  options.manifest.captions = dir_ / "m.csv";
  EXPECT_THAT(test::problem_of(load_source("ferv39k:FER", options, dir_.path())),
              HasSubstr("expected 'caption'"));
}

TEST_F(Source, AFileWithAColonIsAManifest) {
  file("odd:name.csv", "path,label\na.png,sad\n");
  EXPECT_FALSE(names_dataset("odd:name.csv", dir_.path()));
  EXPECT_TRUE(names_dataset("odd:name.csv"));
  EXPECT_TRUE(names_dataset("dfew:DFEW", dir_.path()));
  EXPECT_FALSE(names_dataset("m.csv", dir_.path()));
}

TEST_F(Source, BadInput) {
  EXPECT_THAT(test::problem_of(load_source("FER", {}, dir_.path())),
              HasSubstr("is a folder (expected a CSV, or NAME:FER"));
  EXPECT_THAT(test::problem_of(load_source("film:FER", {}, dir_.path())), HasSubstr("film"));
  EXPECT_THAT(test::problem_of(load_source("none.csv", {}, dir_.path())), HasSubstr("none.csv"));
  SourceOptions targets;
  targets.manifest.targets = {"score"};
  EXPECT_THAT(test::problem_of(load_source("ferv39k:FER", targets, dir_.path())),
              HasSubstr("has no column 'score'"));
  EXPECT_TRUE(parse_unit("").ok() && parse_unit("frame").ok());
  EXPECT_FALSE(parse_unit("second").ok());
}

}  // namespace
}  // namespace mien::data
