#include <gmock/gmock.h>

#include <cmath>

#include "pipeline_test_support.h"

namespace mien::pipeline {
namespace {

using test::pattern;
using test::probabilities;
using PictureTest = test::PipelineTest;
using ::testing::FloatNear;
using ::testing::Pointwise;

TEST_F(PictureTest, WholeNeedsNoDetector) {
  const auto recognizer = make();
  const auto faces = recognizer->image(pattern(1), "x");
  MIEN_ASSERT_OK(faces);
  ASSERT_EQ(faces->size(), 1U);
  const engine::FaceResult& face = faces->front();
  EXPECT_EQ(face.face.source, face::FaceSource::kWhole);
  EXPECT_EQ(face.face.box, (image::Box{0, 0, 48, 40}));
  EXPECT_EQ(face.face.track, -1);
  ASSERT_EQ(face.labels.size(), 3U);
  float sum = 0;
  for (const auto& score : face.labels) sum += score.probability;
  EXPECT_NEAR(sum, 1, 1e-5);
  float norm = 0;
  for (const float v : face.embedding) norm += v * v;
  EXPECT_NEAR(norm, 1, 1e-5);
}

TEST_F(PictureTest, LabelNamesKeepTheirOrder) {
  EXPECT_THAT(make()->label_names(), ::testing::ElementsAre("happy", "sad", "calm"));
}

TEST_F(PictureTest, OnePixel) {
  const auto faces = make()->image(image::Image(1, 1), "x");
  MIEN_ASSERT_OK(faces);
  EXPECT_EQ(faces->size(), 1U);
}

TEST_F(PictureTest, EmptyPictureHasNoFaceOrIsRefused) {
  const auto faces = make()->image(image::Image(), "x");
  if (faces.ok()) {
    EXPECT_TRUE(faces->empty());
  } else {
    MIEN_EXPECT_CODE(faces, StatusCode::kInvalidArgument);
  }
}

TEST_F(PictureTest, NoFaceIsAnEmptyResult) {
  options_.finder.mode = face::Mode::kHog;
  const auto faces = make()->image(image::Image(64, 64), "x");
  MIEN_ASSERT_OK(faces);
  EXPECT_TRUE(faces->empty());
}

TEST_F(PictureTest, EmbeddingOnlyWhenAskedFor) {
  options_.embeddings = false;
  const auto faces = make()->image(pattern(1), "x");
  MIEN_ASSERT_OK(faces);
  EXPECT_TRUE(faces->front().embedding.empty());
}

TEST_F(PictureTest, SeveralFacesAreScoredAsEachAlone) {
  use_boxes("path,x,y,w,h\nx,0,0,24,24\nx,20,10,26,26\n");
  const auto both = make()->image(pattern(3), "x");
  MIEN_ASSERT_OK(both);
  ASSERT_EQ(both->size(), 2U);
  for (const engine::FaceResult& face : *both) {
    const image::Box& box = face.face.box;
    use_boxes("path,x,y,w,h\nx," + std::to_string(box.x) + "," + std::to_string(box.y) + "," +
              std::to_string(box.w) + "," + std::to_string(box.h) + "\n");
    const auto recognizer = make();
    const auto alone = recognizer->image(pattern(3), "x");
    MIEN_ASSERT_OK(alone);
    ASSERT_EQ(alone->size(), 1U);
    EXPECT_THAT(probabilities(alone->front().labels, recognizer->label_names()),
                Pointwise(FloatNear(1e-4F), probabilities(face.labels, recognizer->label_names())));
  }
}

TEST_F(PictureTest, BoxesWithoutARowForThePicture) {
  use_boxes("path,x,y,w,h\nother,0,0,24,24\n");
  MIEN_EXPECT_CODE(make()->image(pattern(3), "x"), StatusCode::kNotFound);
}

TEST_F(PictureTest, UnknownAndReasons) {
  options_.scorer.unknown = {engine::UnknownChoice::Mode::kValue, 0.999};
  options_.scorer.explain = true;
  const auto faces = make()->image(pattern(1), "x");
  MIEN_ASSERT_OK(faces);
  EXPECT_TRUE(faces->front().unknown);
  EXPECT_EQ(faces->front().top(), "unknown");
  EXPECT_EQ(faces->front().labels.size(), 3U);
  EXPECT_FALSE(faces->front().reasons.empty());
}

TEST_F(PictureTest, WithoutScoresNoLabelsAreNeeded) {
  const auto scored = make()->image(pattern(1), "x");
  MIEN_ASSERT_OK(scored);
  options_.scores = false;
  labels_ = {};
  const auto recognizer = make();
  const auto faces = recognizer->image(pattern(1), "x");
  MIEN_ASSERT_OK(faces);
  EXPECT_TRUE(faces->front().labels.empty());
  EXPECT_EQ(faces->front().embedding, scored->front().embedding);
  EXPECT_TRUE(recognizer->label_names().empty());
}

TEST_F(PictureTest, EmptyLabelSetIsRefused) {
  MIEN_EXPECT_CODE(Recognizer::make(bundle_, {"none", {}}, options_), StatusCode::kInvalidArgument);
}

TEST_F(PictureTest, FreeLabelsNeedATextTower) {
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "mute", {.text_tower = false}));
  const auto bundle = engine::Bundle::load(dir_ / "mute");
  MIEN_ASSERT_OK(bundle);
  const text::LabelSet free{"custom", {{"calm", {"a calm face"}, {}}}};
  MIEN_EXPECT_CODE(Recognizer::make(*bundle, free, options_), StatusCode::kUnsupported);
  MIEN_EXPECT_CODE(
      Recognizer::make(*bundle, {(*bundle)->info().name, (*bundle)->info().labels}, options_),
      StatusCode::kOk);
}

TEST_F(PictureTest, MissingLandmarkModel) {
  options_.finder.landmarks = true;
  options_.finder.landmark_model = dir_ / "nowhere.dat";
  MIEN_EXPECT_CODE(Recognizer::make(bundle_, labels_, options_), StatusCode::kNotFound);
}

}  // namespace
}  // namespace mien::pipeline
