#include "mien/pipeline/baseline.h"

#include <gmock/gmock.h>

#include "mien/pipeline/segments.h"
#include "pipeline_test_support.h"
#include "unit/report/report_samples.h"

namespace mien::pipeline {
namespace {

using report::test::face_at;
using report::test::frame_of;

TEST(Baseline, ParsesIntervalsAndMedian) {
  for (const auto& [text, from_us, to_us] :
       std::vector<std::tuple<const char*, std::int64_t, std::int64_t>>{
           {"0-10s", 0, 10'000'000},
           {"0-10", 0, 10'000'000},
           {"2.5s-7s", 2'500'000, 7'000'000},
           {"1:00-1:30", 60'000'000, 90'000'000},
           {"1:00:00-1:00:00.5", 3'600'000'000, 3'600'500'000}}) {
    const auto parsed = parse_baseline(text);
    MIEN_ASSERT_OK(parsed);
    EXPECT_EQ(parsed->from, Baseline::From::kInterval);
    EXPECT_EQ(parsed->from_us, from_us) << text;
    EXPECT_EQ(parsed->to_us, to_us) << text;
  }
  EXPECT_EQ(parse_baseline("median")->from, Baseline::From::kMedian);
  for (const char* text : {"", "-", "5", "10-5", "5-5", "a-b", "-1-5", "1e3-1e4", "0-1:99", "0-nan",
                           "0-10x", "1:2:3:4-5", "0--5", ":-1", "mean", "0-99999999999"}) {
    MIEN_EXPECT_CODE(parse_baseline(text), StatusCode::kInvalidArgument);
  }
}

TEST(Baseline, AnIntervalIsTheMeanOverItsTime) {
  const Baseline interval{.from = Baseline::From::kInterval, .from_us = 100, .to_us = 500};
  TrackBaseline track;
  EXPECT_TRUE(track.value(interval).empty());
  track.add(interval, 0, 100, std::vector<float>{1, 0});
  EXPECT_TRUE(track.value(interval).empty()) << "before it";
  track.add(interval, 100, 300, std::vector<float>{0.8F, 0.2F});
  track.add(interval, 400, 100, std::vector<float>{0.4F, 0.6F});
  track.add(interval, 500, 100, std::vector<float>{0, 1});
  EXPECT_THAT(track.value(interval), testing::Pointwise(testing::FloatNear(1e-6F), {0.7F, 0.3F}));
  EXPECT_NEAR(track.seconds(), 400e-6, 1e-12);
}

TEST(Baseline, AMedianIsWeightedWithTime) {
  const Baseline median{.from = Baseline::From::kMedian};
  TrackBaseline track;
  track.add(median, 0, 10, std::vector<float>{0.9F});
  track.add(median, 10, 10, std::vector<float>{0.8F});
  track.add(median, 20, 100, std::vector<float>{0.123F});
  EXPECT_THAT(track.value(median), testing::Pointwise(testing::FloatNear(6e-4F), {0.123F}));
}

engine::FaceResult happy(float p, std::int64_t track) {
  return face_at({1, 1, 9, 9}, {{"happy", p}, {"sad", 1 - p}}, track);
}

TEST(Baseline, AnswersAndSegmentsHaveTheChange) {
  LabelSegments segments({"happy", "sad"}, 0, LabelSegments::Use::kAnswers);
  segments.set_baseline(*parse_baseline("0-1"));
  std::vector<FrameResult> frames;
  for (int i = 0; i < 30; ++i) {
    std::vector<engine::FaceResult> faces = {happy(i < 10 ? 0.2F : 0.45F, 0)};
    if (i >= 10) faces.push_back(happy(0.9F, 1));  // was not there
    frames.push_back(frame_of(0.1 * i, std::move(faces)));
    segments.add(frames.back());
    EXPECT_EQ(segments.baseline_settled(), i >= 10) << i;
  }
  segments.finish();
  for (FrameResult& frame : frames) ASSERT_TRUE(segments.take(frame));
  const auto& last = frames.back().faces;
  EXPECT_THAT(last[0].change, testing::Pointwise(testing::FloatNear(1e-6F), {0.25F, -0.25F}));
  EXPECT_EQ(last[0].steady->labels[0].label, "sad");
  EXPECT_THAT(last[0].steady->change,
              testing::Pointwise(testing::FloatNear(1e-6F), {-0.25F, 0.25F}));
  EXPECT_TRUE(last[1].change.empty());
  std::vector<TrackResult> tracks(2);
  tracks[1].track = 1;
  add_segments(segments, tracks);
  ASSERT_TRUE(tracks[0].baseline);
  EXPECT_NEAR(tracks[0].baseline->seconds, 1, 1e-9);
  EXPECT_NEAR(tracks[0].baseline->labels[0].baseline, 0.2, 1e-6);
  EXPECT_NEAR(tracks[0].baseline->labels[0].change, 0.25 * 2 / 3, 1e-6);
  // Sad all the time, but ever less so.
  ASSERT_EQ(tracks[0].segments.size(), 1U);
  EXPECT_NEAR(tracks[0].segments[0].change.value(), -0.25 * 2 / 3, 1e-6);
  EXPECT_EQ(tracks[0].segments[0].risen, "happy");
  EXPECT_NEAR(tracks[0].segments[0].risen_by, 0.25 * 2 / 3, 1e-6);
  ASSERT_TRUE(tracks[1].baseline);
  EXPECT_EQ(tracks[1].baseline->seconds, 0);
  EXPECT_TRUE(tracks[1].baseline->labels.empty());
  EXPECT_FALSE(tracks[1].segments[0].change);
}

class BaselineClipTest : public test::PipelineTest {
 protected:
  // The changes of the first label of every frame; "-" without one.
  std::vector<FrameResult> read(video::VideoSource& source, bool images = false) {
    std::vector<FrameResult> out;
    ClipSink sink;
    sink.images = images;
    sink.frame = [&](const ClipFrame& frame) {
      out.push_back(frame.result);
      return Status();
    };
    status_ = make()->clip(source, "x", sink).status();
    return out;
  }
  Status status_;
};

TEST_F(BaselineClipTest, EveryFrameWaitsForIt) {
  for (const char* text : {"0.4-1", "median"}) {
    options_.baseline = *parse_baseline(text);
    test::FakeClip clip(60);
    const auto frames = read(clip);
    MIEN_ASSERT_OK(status_);
    ASSERT_EQ(frames.size(), 60U);
    for (const FrameResult& frame : frames) EXPECT_EQ(frame.faces[0].change.size(), 3U) << text;
  }
}

TEST_F(BaselineClipTest, FramesWithPixelsAndLiveOnesHaveItFromThenOn) {
  options_.baseline = *parse_baseline("0-1");
  for (const bool live : {false, true}) {
    test::FakeClip clip(60, live);
    const auto frames = read(clip, !live);
    MIEN_ASSERT_OK(status_);
    ASSERT_EQ(frames.size(), 60U);
    EXPECT_TRUE(frames[0].faces[0].change.empty());
    EXPECT_EQ(frames[59].faces[0].change.size(), 3U);
  }
  options_.baseline = *parse_baseline("median");
  test::FakeClip drawn(60);
  (void)read(drawn, true);
  MIEN_EXPECT_CODE(status_, StatusCode::kInvalidArgument);
  test::FakeClip live(60, true);
  (void)read(live);
  MIEN_EXPECT_CODE(status_, StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::pipeline
