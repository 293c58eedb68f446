#include "mien/data/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "data/store.h"
#include "support/test_support.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ManifestTest : public testing::Test {
 protected:
  std::filesystem::path write(std::string_view text, std::string_view name = "m.csv") {
    std::ofstream(dir_ / name) << text;
    return dir_ / name;
  }
  test::TempDir dir_;
};

TEST_F(ManifestTest, PicturesWithVotesAndUnlabelledRows) {
  const auto manifest = load_manifest(write(
      "path,label,subject,sequence,split,fp_neutral,fp_happiness,fp_unknown,near_dup_of\n"
      "a.png,happy,S1,,train,2,6,2,\nb.png,neutral,S2,,val,0,0,3,a.png\nc.png,,,,train,1,1,0,\n"));
  ASSERT_TRUE(manifest.ok()) << manifest.status().message();
  EXPECT_THAT(manifest->classes, ElementsAre("happy", "neutral"));
  EXPECT_EQ(manifest->unlabelled, 1);
  ASSERT_EQ(manifest->samples.size(), 2u);
  EXPECT_THAT(manifest->samples[0].soft, ElementsAre(0.75F, 0.25F));
  EXPECT_TRUE(manifest->samples[1].soft.empty());
  EXPECT_EQ(manifest->samples[1].extra.at("near_dup_of"), "a.png");
  EXPECT_EQ(manifest->samples[1].subject, "S2");
}

TEST_F(ManifestTest, RowsOfASequenceAreAClipInFrameOrder) {
  const auto path = write(
      "path,label,sequence,split,frame\nx/2.jpg,sad,x,train,2\nx/10.jpg,sad,x,train,10\n"
      "x/1.jpg,sad,x,train,1\ny/1.jpg,sad,y,train,1\ny/2.jpg,happy,y,train,2\n");
  const auto manifest = load_manifest(path);
  ASSERT_TRUE(manifest.ok());
  ASSERT_EQ(manifest->samples.size(), 3u);
  EXPECT_EQ(manifest->samples[0].id, "x");
  EXPECT_THAT(manifest->samples[0].frames, ElementsAre("x/1.jpg", "x/2.jpg", "x/10.jpg"));
  EXPECT_EQ(manifest->samples[1].id, "y/1.jpg");  // labels differ: pictures
  EXPECT_EQ(load_manifest(path, {.unit = ManifestOptions::Unit::kFrame})->samples.size(), 5u);
  EXPECT_THAT(test::problem_of(load_manifest(path, {.unit = ManifestOptions::Unit::kSequence})),
              HasSubstr("m.csv:6: label differs within sequence 'y'"));
}

TEST_F(ManifestTest, ClassesInTheGivenOrderAndCompounds) {
  const auto manifest = load_manifest(write("path,label\na,sad+happy\nb,happy\n"),
                                      {.classes = {"happy", "sad", "fear"}});
  ASSERT_TRUE(manifest.ok());
  EXPECT_THAT(manifest->classes, ElementsAre("happy", "sad", "fear"));
  EXPECT_THAT(manifest->samples[0].labels, ElementsAre(1, 0));
}

TEST_F(ManifestTest, CaptionsFromAFileBeside) {
  write("sequence,label,caption_en\nx,sad,\"tears, a frown\"\n", "c.csv");
  const auto manifest = load_manifest(write("path,label,sequence,frame\nx/1.jpg,sad,x,1\n"),
                                      {.captions = dir_ / "c.csv"});
  ASSERT_TRUE(manifest.ok()) << manifest.status().message();
  EXPECT_EQ(manifest->samples[0].caption, "tears, a frown");
  write("sequence,words\nx,y\n", "bad.csv");
  EXPECT_EQ(test::code_of(load_manifest(dir_ / "m.csv", {.captions = dir_ / "bad.csv"})),
            StatusCode::kCorrupt);
}

TEST_F(ManifestTest, RegressionTargets) {
  const auto path = write("path,label,score\na,,1.5\nb,,2\n");
  const auto manifest = load_manifest(path, {.targets = {"score"}});
  ASSERT_TRUE(manifest.ok());
  EXPECT_THAT(manifest->samples[0].targets, ElementsAre(1.5));
  EXPECT_THAT(
      test::problem_of(load_manifest(write("path,label,score\na,,x\n"), {.targets = {"score"}})),
      HasSubstr(":2: target 'score' is 'x' (expected a number)"));
}

TEST_F(ManifestTest, TargetsNeedNoLabelsAndRowsWithoutThemAreLeftOut) {
  const auto path = write("path,subject,x,y\na,s,1,2\nb,s,,3\nc,t,4,\nd,t,-1e2,0.5\n");
  const auto manifest = load_manifest(path, {.targets = {"y", "x"}});
  ASSERT_TRUE(manifest.ok()) << manifest.status().message();
  ASSERT_EQ(manifest->samples.size(), 2U);
  EXPECT_THAT(manifest->samples[1].targets, ElementsAre(0.5, -100));
  EXPECT_EQ(manifest->unlabelled, 2);
  EXPECT_THAT(manifest->target_names, ElementsAre("y", "x"));
  EXPECT_THAT(test::problem_of(load_manifest(path, {.targets = {"z"}})),
              HasSubstr("has no column 'z'"));
  EXPECT_THAT(test::problem_of(load_manifest(write("path,x\na,\n"), {.targets = {"x"}})),
              HasSubstr("no row has all targets"));
  EXPECT_THAT(test::problem_of(load_manifest(write("path,x\na,inf\n"), {.targets = {"x"}})),
              HasSubstr("expected a number"));
}

// methods-emoclip §3: sorted as plain strings.
TEST_F(ManifestTest, AFolderIsAClip) {
  std::filesystem::create_directories(dir_ / "clips/a");
  for (const char* name : {"10.png", "9.png", "1.png"})
    std::ofstream(dir_ / "clips/a" / name) << "x";
  const auto manifest = load_manifest(write("path,label\nclips/a,sad\nclips/none,happy\n"));
  ASSERT_TRUE(manifest.ok()) << manifest.status().message();
  EXPECT_EQ(manifest->samples[0].id, "clips/a");
  EXPECT_THAT(manifest->samples[0].frames,
              ElementsAre("clips/a/1.png", "clips/a/10.png", "clips/a/9.png"));
  EXPECT_THAT(manifest->samples[1].frames, ElementsAre("clips/none"));
}

TEST_F(ManifestTest, CellsOfASample) {
  const auto manifest = load_manifest(
      write("path,label,subject,sequence,frame,interview\na,x,s,q,1,i1\nb,x,s,q,2,i1\nc,x,t,,,\n"));
  ASSERT_TRUE(manifest.ok());
  const Sample& clip = manifest->samples[0];
  EXPECT_EQ(cell_of(clip, "subject"), "s");
  EXPECT_EQ(cell_of(clip, "sequence"), "q");
  EXPECT_EQ(cell_of(clip, "interview"), "i1");
  EXPECT_EQ(cell_of(clip, "room"), "");
  EXPECT_EQ(cell_of(manifest->samples[1], "sequence"), "");
}

TEST_F(ManifestTest, BadInput) {
  EXPECT_THAT(test::problem_of(load_manifest(write("path,name\na,b\n"))),
              HasSubstr("m.csv:1: has no column 'label' (columns: path, name)"));
  EXPECT_THAT(test::problem_of(load_manifest(write("path,label\n,happy\n"))),
              HasSubstr("m.csv:2: has no path"));
  EXPECT_THAT(test::problem_of(load_manifest(write("path,label\na,joy\n"), {.classes = {"sad"}})),
              HasSubstr("m.csv:2: label 'joy' (expected one of sad)"));
  EXPECT_THAT(test::problem_of(load_manifest(write("path,label\na,\n"))),
              HasSubstr("no row has a label"));
  EXPECT_THAT(
      test::problem_of(load_manifest(write("path,label,split\na,b,train\n"), {.split = "val"})),
      HasSubstr("has no row of split 'val'"));
  EXPECT_THAT(test::problem_of(load_manifest(write("path,label,frame\na,b,one\n"))),
              HasSubstr("frame 'one' (expected a number)"));
  EXPECT_EQ(test::code_of(load_manifest(dir_ / "none.csv")), StatusCode::kNotFound);
}

// The real sets, counted as their README tells.
TEST(SharedManifests, Counts) {
  const auto data = test::shared_data();
  if (data.empty()) GTEST_SKIP() << "no shared data";
  const auto fer = load_manifest(data / "fer2013.csv", {.split = "train"});
  ASSERT_TRUE(fer.ok()) << fer.status().message();
  EXPECT_EQ(fer->samples.size(), 28358u);
  EXPECT_EQ(fer->unlabelled, 200);
  EXPECT_EQ(fer->classes.size(), 7u);
  EXPECT_TRUE(fer->store->contains(fer->samples.front().frames.front()));
  const auto ck = load_manifest(data / "ckseq.csv");
  ASSERT_TRUE(ck.ok()) << ck.status().message();
  EXPECT_EQ(ck->samples.size(), 28u);
  const auto mafw =
      load_manifest(data / "mafw_samples.csv", {.captions = data / "mafw_samples_captions.csv"});
  ASSERT_TRUE(mafw.ok()) << mafw.status().message();
  EXPECT_EQ(mafw->samples.size(), 11u);
  // The neutral clip has no caption.
  const auto captions = std::count_if(mafw->samples.begin(), mafw->samples.end(),
                                      [](const Sample& sample) { return !sample.caption.empty(); });
  EXPECT_EQ(captions, 10);
}

}  // namespace
}  // namespace mien::data
