#include "mien/eval/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "data/views.h"
#include "engine/tiny_bundle.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::eval {
namespace {

using testing::HasSubstr;

// Six pictures of one grey each, as pictures and as two clips of three frames.
class RunTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(engine::write_tiny_bundle(dir_ / "tiny").ok());
    auto bundle = engine::Bundle::load(dir_ / "tiny");
    ASSERT_TRUE(bundle.ok());
    bundle_ = *bundle;
    for (int i = 0; i < 6; ++i) {
      image::Image picture(40, 40);
      for (auto& value : picture.pixels()) value = static_cast<std::uint8_t>(40 * i);
      const auto png = image::encode_png(picture);
      ASSERT_TRUE(png.ok());
      std::ofstream(dir_ / (std::to_string(i) + ".png"), std::ios::binary)
          .write(reinterpret_cast<const char*>(png->data()),
                 static_cast<std::streamsize>(png->size()));
    }
    options_.finder.mode = face::Mode::kWhole;
    options_.finder.landmarks = false;
    labels_ = *text::find_builtin_labels("basic7");
  }

  data::Manifest manifest(std::string_view csv) {
    std::ofstream(dir_ / "m.csv") << csv;
    auto out = data::load_manifest(dir_ / "m.csv");
    EXPECT_TRUE(out.ok()) << out.status().message();
    return *out;
  }

  test::TempDir dir_;
  std::shared_ptr<const engine::Bundle> bundle_;
  text::LabelSet labels_;
  RunOptions options_;
};

TEST_F(RunTest, ScoresAreOfTheClassesInTheirOrderAndSumToOne) {
  const auto result =
      run_zero_shot(bundle_, manifest("path,label\n0.png,sadness\n1.png,angry\n2.png,happy\n"),
                    labels_, options_);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->classes, (std::vector<std::string>{"angry", "happy", "sadness"}));
  ASSERT_EQ(result->predictions.size(), 3u);
  for (const Prediction& row : result->predictions) {
    ASSERT_EQ(row.probabilities.size(), 3u);
    EXPECT_NEAR(row.probabilities[0] + row.probabilities[1] + row.probabilities[2], 1.0, 1e-6);
  }
  EXPECT_EQ(result->predictions[0].truth, 2u);
}

TEST_F(RunTest, ABatchDoesNotChangeASample) {
  const auto all = run_zero_shot(
      bundle_, manifest("path,label\n0.png,sad\n1.png,angry\n2.png,happy\n"), labels_, options_);
  const auto one =
      run_zero_shot(bundle_, manifest("path,label\n2.png,happy\n"),
                    {.name = "three", .labels = {labels_.labels[3], labels_.labels[0]}}, options_);
  ASSERT_TRUE(all.ok());
  ASSERT_TRUE(one.ok()) << one.status().message();
  EXPECT_EQ(one->predictions[0].probabilities, std::vector<double>{1.0});
}

TEST_F(RunTest, AClipIsTheMeanOfItsFrames) {
  const auto same = run_zero_shot(
      bundle_, manifest("path,label,sequence,frame\n3.png,sad,s,1\n3.png,sad,s,2\n4.png,happy,,\n"),
      labels_, options_);
  const auto picture =
      run_zero_shot(bundle_, manifest("path,label\n3.png,sad\n4.png,happy\n"), labels_, options_);
  ASSERT_TRUE(same.ok() && picture.ok());
  ASSERT_EQ(same->predictions.size(), 2u);
  EXPECT_EQ(same->predictions[0].id, "s");
  EXPECT_NEAR(same->predictions[0].probabilities[0], picture->predictions[0].probabilities[0],
              1e-5);
}

TEST_F(RunTest, AClipGoesThroughTheTemporalModelAsInPrediction) {
  ASSERT_TRUE(engine::write_tiny_bundle(dir_ / "temporal", {.temporal = true}).ok());
  auto bundle = engine::Bundle::load(dir_ / "temporal");
  ASSERT_TRUE(bundle.ok());
  const auto clip =
      run_zero_shot(*bundle,
                    manifest("path,label,sequence\n0.png,sad,a\n1.png,sad,a\n2.png,sad,"
                             "a\n3.png,happy,b\n3.png,happy,b\n3.png,happy,b\n"),
                    labels_, options_);
  ASSERT_TRUE(clip.ok()) << clip.status().message();
  ASSERT_EQ(clip->predictions.size(), 2u);
  // A clip of equal pictures is the picture, which is read as a clip that repeats it.
  const auto picture =
      run_zero_shot(*bundle, manifest("path,label\n3.png,happy\n0.png,sad\n"), labels_, options_);
  ASSERT_TRUE(picture.ok()) << picture.status().message();
  EXPECT_NEAR(clip->predictions[1].probabilities[0], picture->predictions[0].probabilities[0],
              1e-5);
  const auto mean =
      run_zero_shot(bundle_, manifest("path,label\n3.png,happy\n0.png,sad\n"), labels_, options_);
  ASSERT_TRUE(mean.ok());
  EXPECT_GT(
      std::abs(mean->predictions[0].probabilities[0] - picture->predictions[0].probabilities[0]),
      1e-4);
}

TEST_F(RunTest, UnreadablePicturesAreCountedUpToTheirShare) {
  std::ofstream(dir_ / "bad.png") << "no picture";
  const auto rows = manifest("path,label\n0.png,sad\nbad.png,angry\nnone.png,angry\n1.png,angry\n");
  options_.max_bad_share = 0.5;
  const auto result = run_zero_shot(bundle_, rows, labels_, options_);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->unreadable.size(), 2u);
  EXPECT_THAT(result->unreadable[0], HasSubstr("bad.png"));
  options_.max_bad_share = 0.1;
  EXPECT_THAT(test::problem_of(run_zero_shot(bundle_, rows, labels_, options_)),
              HasSubstr("2 of 4 samples are unreadable (expected at most 10 %)"));
}

TEST_F(RunTest, CompoundSamplesAreLeftOutAndCounted) {
  const auto result = run_zero_shot(bundle_, manifest("path,label\n0.png,sad+angry\n1.png,angry\n"),
                                    labels_, options_);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->compound, 1);
  EXPECT_EQ(result->predictions.size(), 1u);
}

TEST_F(RunTest, CompoundsAreClassesWhenAskedFor) {
  const data::Manifest rows = data::compound_classes(
      manifest("path,label\n0.png,sad+angry\n1.png,angry\n2.png,sad\n3.png,angry+sad\n"));
  EXPECT_EQ(rows.classes, (std::vector<std::string>{"angry", "sad", "angry+sad"}));
  const text::LabelSet labels = with_compounds(labels_, rows.classes);
  ASSERT_EQ(labels.labels.size(), 8u);
  EXPECT_EQ(labels.labels.back().parts[1].name, "sad");
  EXPECT_EQ(with_compounds(labels, rows.classes).labels.size(), 8u);
  EXPECT_EQ(with_compounds(labels_, {"angry+sleepy"}).labels.size(), 7u);
  std::vector<double> second;
  for (const auto compound : {engine::Compound::kUnitMean, engine::Compound::kRawMean}) {
    options_.compound = compound;
    const auto result = run_zero_shot(bundle_, rows, labels, options_);
    ASSERT_TRUE(result.ok()) << result.status().message();
    EXPECT_EQ(result->compound, 0);
    ASSERT_EQ(result->predictions.size(), 4u);
    EXPECT_EQ(result->predictions[3].truth, 2u);
    second.push_back(result->predictions[0].probabilities[2]);
  }
  EXPECT_NE(second[0], second[1]);
}

TEST_F(RunTest, AClassWithoutALabelIsNamed) {
  EXPECT_THAT(test::problem_of(run_zero_shot(bundle_, manifest("path,label\n0.png,sleepy\n"),
                                             labels_, options_)),
              HasSubstr("class 'sleepy': has no label"));
}

TEST_F(RunTest, CancelStops) {
  const std::atomic<bool> cancel{true};
  options_.cancel = &cancel;
  EXPECT_EQ(
      test::code_of(run_zero_shot(bundle_, manifest("path,label\n0.png,sad\n"), labels_, options_)),
      StatusCode::kCancelled);
}

}  // namespace
}  // namespace mien::eval
