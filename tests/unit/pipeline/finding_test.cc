// Faces that come from elsewhere: a custom detector, boxes in memory; and which frames count.
#include "pipeline/pace.h"
#include "pipeline_test_support.h"

namespace mien::pipeline {
namespace {

using test::FakeClip;
using test::pattern;
using test::PipelineTest;

/// Finds one face at a fixed place of whatever it sees.
class OwnDetector final : public face::FaceDetector {
 public:
  explicit OwnDetector(std::atomic<int>* calls) : calls_(calls) {}
  Result<std::vector<face::Detection>> detect(image::ImageView picture,
                                              const face::DetectOptions& options) override {
    ++*calls_;
    if (options.min_score > 2 || picture.width < 40) return std::vector<face::Detection>{};
    return std::vector<face::Detection>{{{4, 6, 24, 24}, 2}};
  }
  float smallest_face() const override { return 12; }
  std::unique_ptr<FaceDetector> clone() const override {
    return std::make_unique<OwnDetector>(calls_);
  }
  std::string_view name() const override { return "own"; }

 private:
  std::atomic<int>* calls_;
};

TEST_F(PipelineTest, DetectorOfOnesOwn) {
  std::atomic<int> calls = 0;
  options_.finder.mode = face::Mode::kHog;
  auto recognizer =
      Recognizer::make(bundle_, labels_, options_, std::make_unique<OwnDetector>(&calls));
  MIEN_ASSERT_OK(recognizer);
  const auto faces = (*recognizer)->image(pattern(3), "x");
  MIEN_ASSERT_OK(faces);
  ASSERT_EQ(faces->size(), 1U);
  EXPECT_EQ((*faces)[0].face.box, (image::Box{4, 6, 24, 24}));
  EXPECT_EQ((*faces)[0].labels.size(), 3U);
  EXPECT_EQ(calls, 1);
  FakeClip clip(10);
  std::size_t found = 0;
  ClipSink sink;
  sink.frame = [&](const ClipFrame& frame) -> Status {
    found += frame.result.faces.size();
    return {};
  };
  const auto done = (*recognizer)->clip(clip, "x", sink);
  MIEN_ASSERT_OK(done);
  EXPECT_EQ(done->summary.tracks, 1);
  EXPECT_GE(found, 2U);
  EXPECT_GT(calls, 2);
  EXPECT_NEAR(done->summary.smallest_face, 6, 0.01);  // 12 at twice the size of 48 x 40
}

TEST_F(PipelineTest, NoDetectorIsTheOneThatComesAlong) {
  options_.finder.mode = face::Mode::kHog;
  const auto recognizer = Recognizer::make(bundle_, labels_, options_, nullptr);
  MIEN_ASSERT_OK(recognizer);
  const auto faces = (*recognizer)->image(pattern(3), "x");
  MIEN_ASSERT_OK(faces);
  EXPECT_TRUE(faces->empty());
}

TEST_F(PipelineTest, BoxesInMemoryAreThoseOfAFile) {
  use_boxes("path,x,y,w,h\nx,0,0,24,24\nx,20,10,26,26\n");
  const auto truth = make()->image(pattern(3), "x");
  MIEN_ASSERT_OK(truth);
  options_.finder.boxes_file.clear();
  options_.finder.boxes = {{"x", {}, image::Box{0, 0, 24, 24}},
                           {"x", {}, image::Box{20, 10, 26, 26}}};
  const auto rows = make()->image(pattern(3), "x");
  MIEN_ASSERT_OK(rows);
  options_.finder.boxes.clear();
  options_.finder.mode = face::Mode::kWhole;
  const std::vector<image::Box> boxes{{20, 10, 26, 26}, {0, 0, 24, 24}};
  const auto given = make()->image(pattern(3), boxes);
  MIEN_ASSERT_OK(given);
  ASSERT_EQ(truth->size(), 2U);
  ASSERT_EQ(rows->size(), 2U);
  ASSERT_EQ(given->size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    for (const auto& same : {(*rows)[i], (*given)[i]}) {
      EXPECT_EQ(same.face.box, (*truth)[i].face.box);
      EXPECT_EQ(same.embedding, (*truth)[i].embedding);
    }
  }
  MIEN_EXPECT_CODE(make()->image(pattern(3), std::vector{image::Box{500, 0, 9, 9}}),
                   StatusCode::kInvalidArgument);
}

TEST_F(PipelineTest, PushedBoxesGetIds) {
  const auto recognizer = make();
  for (int i = 0; i < 5; ++i) {
    const auto x = static_cast<float>(i);
    const std::vector<image::Box> boxes{{28 - x, 18, 20, 20}, {x, 0, 20, 20}};
    const auto faces = recognizer->push(pattern(3), i * 40'000, boxes);
    MIEN_ASSERT_OK(faces);
    ASSERT_EQ(faces->size(), 2U);
    EXPECT_EQ((*faces)[0].face.track, 0);
    EXPECT_EQ((*faces)[1].face.track, 1);
  }
  const auto tracks = recognizer->tracks();
  MIEN_ASSERT_OK(tracks);
  ASSERT_EQ(tracks->size(), 2U);
  EXPECT_EQ((*tracks)[1].frames, 5);
  MIEN_EXPECT_CODE(recognizer->push(pattern(3), 200'000, std::vector{image::Box{-30, 0, 20, 20}}),
                   StatusCode::kInvalidArgument);
}

TEST_F(PipelineTest, RegionOutsideOfAClipIsAnError) {
  options_.finder.mode = face::Mode::kHog;
  options_.finder.region = image::Box{100, 0, 20, 20};
  FakeClip clip(10);
  MIEN_EXPECT_CODE(make()->clip(clip, "x", {}), StatusCode::kInvalidArgument);
}

std::vector<int> wanted(Pace pace, int frames, std::int64_t frame_us) {
  std::vector<int> out;
  for (int i = 0; i < frames; ++i) {
    if (pace.wants(i, i * frame_us)) out.push_back(i);
  }
  return out;
}

TEST(Pace, EveryNthAndLimitedPerSecond) {
  EXPECT_EQ(wanted(Pace(1, 0), 4, 40'000), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(wanted(Pace(3, 0), 8, 40'000), (std::vector<int>{0, 3, 6}));
  EXPECT_EQ(wanted(Pace(1, 5), 13, 40'000), (std::vector<int>{0, 5, 10}));
  EXPECT_EQ(wanted(Pace(1, 15), 6, 33'333), (std::vector<int>{0, 2, 4}));  // rounded stamps
  EXPECT_EQ(wanted(Pace(2, 5), 13, 40'000), (std::vector<int>{0, 6, 12}));
  EXPECT_EQ(wanted(Pace(1, 100), 3, 40'000), (std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace mien::pipeline
