// The patch of a prompt lies where the first face of a track says (HESP, mask per_clip).
#include <cmath>
#include <map>

#include "kernels/ops.h"
#include "mien/face/aligner.h"
#include "mien/image/preprocess.h"
#include "mien/kernels/cpu.h"
#include "pipeline_test_support.h"
#include "support/bundles.h"

namespace mien::pipeline {
namespace {

using test::FakeClip;
using test::pattern;

class PlaceTest : public test::PipelineTest {
 protected:
  void SetUp() override {
    PipelineTest::SetUp();
    const auto fill = [](Tensor& tensor, float factor) {
      for (std::size_t i = 0; i < tensor.f32().size(); ++i) {
        tensor.f32()[i] = std::sin(factor * static_cast<float>(i + 1));
      }
    };
    Tensor patch(DType::kF32, {3, 8, 8}), texts(DType::kF32, {2, 32});
    Tensor classifier(DType::kF32, {2, 64}), scale(DType::kF32, {2, 3});
    fill(patch, 0.9F);
    fill(texts, 1.7F);
    fill(classifier, 2.3F);
    for (std::size_t c = 0; c < 6; ++c) scale.f32()[c] = c < 3 ? 0.45F : 0.27F;
    engine::BundleInfo info = bundle_->info();
    info.architecture.prompt = engine::PixelPrompt{.size = 8, .labels = 2};
    auto made = mien::test::extended_bundle(*bundle_, info,
                                            {{"prompt.patch", patch.view()},
                                             {"prompt.texts", texts.view()},
                                             {"prompt.classifier", classifier.view()},
                                             {"prompt.scale", scale.view()}},
                                            dir_ / "placing");
    MIEN_ASSERT_OK(made);
    bundle_ = *made;
    MIEN_ASSERT_OK(bundle_->image_encoder());
    encoder_ = *bundle_->image_encoder();
  }
  void TearDown() override { kernels::set_threads(0); }

  std::vector<float> pixels_of(const image::Image& picture) const {
    face::Face face;
    face.box = {0, 0, 48, 40};
    face.source = face::FaceSource::kWhole;
    return pixels_of(picture, face);
  }
  std::vector<float> pixels_of(const image::Image& picture, const face::Face& face) const {
    std::vector<float> out(3 * 32 * 32);
    const auto crop = face::crop_face(picture, face, bundle_->info().crop);
    EXPECT_TRUE(crop.ok());
    EXPECT_EQ(mien::test::problem_of(image::preprocess(*crop, bundle_->info().preprocess, out)),
              "");
    return out;
  }
  engine::PromptPlace place_of(const std::vector<float>& pixels) {
    const auto places = encoder_->places(pixels.data(), 1, session_);
    EXPECT_TRUE(places.ok());
    return places->front();
  }
  std::vector<float> embedding(const std::vector<float>& pixels, engine::PromptPlace place) {
    std::vector<float> out(32);
    EXPECT_EQ(mien::test::problem_of(
                  encoder_->encode(pixels.data(), 1, out.data(), session_, {&place, 1})),
              "");
    kernels::l2_normalize_rows(out.data(), 1, 32);
    return out;
  }
  static void expect_near(const std::vector<float>& a, const std::vector<float>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5) << i;
  }

  std::shared_ptr<const engine::ImageEncoder> encoder_;
  engine::Session session_;
};

TEST_F(PlaceTest, TheFirstFrameDecidesForItsTrack) {
  const engine::PromptPlace first = place_of(pixels_of(pattern(0)));
  int others = 0;
  for (const int threads : {1, 3}) {
    for (const int batch : {1, 4}) {
      SCOPED_TRACE(testing::Message() << threads << " threads, batches of " << batch);
      kernels::set_threads(threads);
      options_.batch = batch;
      std::vector<std::vector<float>> said;
      ClipSink sink;
      sink.frame = [&](const ClipFrame& frame) -> Status {
        said.push_back(frame.result.faces.at(0).embedding);
        return {};
      };
      FakeClip clip(11);
      MIEN_ASSERT_OK(make()->clip(clip, "x", sink));
      ASSERT_EQ(said.size(), 11U);
      for (int i = 0; i < 11; ++i) {
        const auto pixels = pixels_of(pattern(i));
        expect_near(said[static_cast<std::size_t>(i)], embedding(pixels, first));
        others += place_of(pixels) == first ? 0 : 1;
      }
    }
  }
  EXPECT_GT(others, 0);  // otherwise the test would be meaningless
}

TEST_F(PlaceTest, EveryTrackHasItsOwn) {
  use_boxes(
      "path,frame,x,y,w,h\n"
      "x,0,0,0,20,20\nx,0,24,16,24,24\n"
      "x,1,2,0,20,20\nx,1,22,16,24,24\n");
  std::map<std::int64_t, engine::PromptPlace> places;  // of tracks
  int faces = 0;
  ClipSink sink;
  sink.frame = [&](const ClipFrame& frame) -> Status {
    for (const engine::FaceResult& face : frame.result.faces) {
      const auto pixels = pixels_of(pattern(static_cast<int>(frame.result.frame)), face.face);
      const auto place = places.try_emplace(face.face.track, place_of(pixels)).first->second;
      expect_near(face.embedding, embedding(pixels, place));
      ++faces;
    }
    return {};
  };
  FakeClip clip(2);
  MIEN_ASSERT_OK(make()->clip(clip, "x", sink));
  EXPECT_EQ(faces, 4);
  ASSERT_EQ(places.size(), 2U);
  EXPECT_NE(places.begin()->second,
            places.rbegin()->second);  // otherwise the test would be meaningless
}

TEST_F(PlaceTest, LiveFramesAndPictures) {
  const engine::PromptPlace first = place_of(pixels_of(pattern(0)));
  const auto recognizer = make();
  for (int i = 0; i < 4; ++i) {
    const image::Image frame = pattern(i);
    const auto pushed = recognizer->push(frame, i * 40'000);
    MIEN_ASSERT_OK(pushed);
    const auto pixels = pixels_of(frame);
    expect_near(pushed->at(0).embedding, embedding(pixels, first));
    // A picture is a clip of its own.
    const auto alone = recognizer->image(frame, "x");
    MIEN_ASSERT_OK(alone);
    expect_near(alone->at(0).embedding, embedding(pixels, place_of(pixels)));
  }
  recognizer->reset();
  const auto again = recognizer->push(pattern(3), 0);
  MIEN_ASSERT_OK(again);
  const auto pixels = pixels_of(pattern(3));
  expect_near(again->at(0).embedding, embedding(pixels, place_of(pixels)));
}

}  // namespace
}  // namespace mien::pipeline
