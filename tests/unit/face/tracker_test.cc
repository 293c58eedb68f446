#include "mien/face/tracker.h"

#include <gtest/gtest.h>

#include "fake_detector.h"
#include "support/test_support.h"

namespace mien::face {
namespace {

using test::FakeDetector;
using test::paint_face;

/// Plays frames of faces painted at given places through a tracker, 25 frames a second.
class Stage {
 public:
  explicit Stage(const TrackerOptions& options = {}) : tracker_(options), detector_(&log_) {}

  std::vector<TrackedFace> show(const std::vector<image::Box>& faces, int background = 0,
                                int blue = 200) {
    image::Image frame(320, 240);
    std::fill(frame.pixels().begin(), frame.pixels().end(), static_cast<std::uint8_t>(background));
    for (std::size_t i = 0; i < faces.size(); ++i) {
      paint_face(frame, faces[i], static_cast<int>(i) + 1, blue);
    }
    auto out = tracker_.track(frame, index_, index_ * 40'000, detector_);
    ++index_;
    EXPECT_EQ(test::problem_of(out), "");
    return out.ok() ? *out : std::vector<TrackedFace>{};
  }
  void skip(int frames) { index_ += frames; }
  Tracker& tracker() { return tracker_; }
  FakeDetector::Log log_;

 private:
  Tracker tracker_;
  FakeDetector detector_;
  std::int64_t index_ = 0;
};

std::vector<std::int64_t> ids(const std::vector<TrackedFace>& faces) {
  std::vector<std::int64_t> out;
  for (const TrackedFace& face : faces) out.push_back(face.track);
  return out;
}

using Ids = std::vector<std::int64_t>;

TEST(Tracker, MovingFaceKeepsItsId) {
  Stage stage;
  for (int i = 0; i < 30; ++i) {
    const image::Box box{10.0F + 6.0F * static_cast<float>(i), 50, 40, 40};
    const auto faces = stage.show({box});
    ASSERT_EQ(ids(faces), Ids{0}) << i;
    EXPECT_GT(image::iou(faces[0].box, box), 0.8F) << i;
  }
}

TEST(Tracker, FaceIsReportedOnlyWhereItIsFound) {
  Stage stage;
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}})), Ids{0});
  EXPECT_EQ(ids(stage.show({})), Ids{});
  EXPECT_EQ(ids(stage.show({{55, 50, 40, 40}})), Ids{0});
}

TEST(Tracker, FaceThatComesBackLateIsNew) {
  Stage stage;
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}})), Ids{0});
  for (int i = 0; i < 25; ++i) EXPECT_EQ(ids(stage.show({})), Ids{});
  for (int i = 0; i < 5; ++i) stage.show({{50, 50, 40, 40}});
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}})), Ids{1});
}

TEST(Tracker, SecondFaceGetsANewIdAtTheNextFullSearch) {
  Stage stage({.detect_every = 4});
  const image::Box first{20, 20, 40, 40};
  const image::Box second{200, 120, 50, 50};
  EXPECT_EQ(ids(stage.show({first})), Ids{0});
  for (int i = 1; i < 4; ++i) EXPECT_EQ(ids(stage.show({first, second})), Ids{0}) << i;
  EXPECT_EQ(ids(stage.show({first, second})), (Ids{0, 1}));
}

TEST(Tracker, SkippedFramesCountForTheNextFullSearch) {
  Stage stage({.detect_every = 4});
  stage.show({});
  stage.skip(3);
  EXPECT_EQ(ids(stage.show({{20, 20, 40, 40}})), Ids{0});
}

TEST(Tracker, BetweenFullSearchesOnlyPlacesOfFacesAreSearched) {
  Stage stage({.detect_every = 10});
  stage.show({{50, 50, 20, 20}});
  ASSERT_EQ(stage.log_.widths, std::vector<int>{320});
  stage.show({{50, 50, 20, 20}});
  ASSERT_EQ(stage.log_.widths.size(), 2U);
  EXPECT_LT(stage.log_.widths[1], 60);
  EXPECT_GT(stage.log_.calls[1].scale, 3.9F);  // a face of 20 pixels is enlarged for the detector
}

TEST(Tracker, FollowedFaceMayScoreLowerThanANewOne) {
  Stage stage;  // blue 80 is a score of -0.2, blue 50 one of -0.5
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}}, 0, 80)), Ids{});
  stage.skip(5);
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}})), Ids{0});
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}}, 0, 80)), Ids{0});
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}}, 0, 50)), Ids{});
}

TEST(Tracker, CrowdHasNoCap) {
  Stage stage;
  std::vector<image::Box> crowd;
  for (int i = 0; i < 70; ++i) {
    crowd.push_back({static_cast<float>(i % 10) * 32, static_cast<float>(i / 10) * 32, 24, 24});
  }
  const auto first = ids(stage.show(crowd));
  EXPECT_EQ(first.size(), 70U);
  for (image::Box& box : crowd) box.x += 3;
  EXPECT_EQ(ids(stage.show(crowd)), first);
}

TEST(Tracker, SceneCutEndsAllTracks) {
  Stage stage({.detect_every = 100});
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}}, 0)), Ids{0});
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}}, 20)), Ids{0});
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}}, 200)), Ids{1});
}

TEST(Tracker, SearchingAheadChangesNothing) {
  // One face, then a crowd, a cut, nobody, two faces: every way through the tracker.
  std::vector<image::Image> frames;
  for (int i = 0; i < 60; ++i) {
    image::Image frame(320, 240);
    const int light = i < 30 ? 0 : 180;
    std::fill(frame.pixels().begin(), frame.pixels().end(), static_cast<std::uint8_t>(light));
    const int faces = i < 10 ? 1 : i < 25 ? 40 : i < 40 ? 0 : 2;
    for (int k = 0; k < faces; ++k) {
      const auto x = static_cast<float>((k % 10) * 32 + i % 4);
      paint_face(frame, {x, static_cast<float>(k / 10) * 32, 24, 24}, k + 1);
    }
    frames.push_back(std::move(frame));
  }
  FakeDetector detector;
  FakeDetector ahead;
  Tracker both({.detect_every = 4});
  Tracker steps({.detect_every = 4});
  std::vector<FramePlan> plans;
  std::vector<std::optional<std::vector<Detection>>> found(frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    plans.push_back(steps.plan(frames[i], static_cast<std::int64_t>(i)));
    if (!plans.back().search) continue;
    auto now = ahead.detect(frames[i], steps.whole_search(frames[i]));
    MIEN_ASSERT_OK(now);
    found[i] = std::move(*now);
  }
  EXPECT_TRUE(plans[30].cut);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto time = static_cast<std::int64_t>(i) * 40'000;
    const auto truth = both.track(frames[i], static_cast<std::int64_t>(i), time, detector);
    const auto result = steps.track(frames[i], time, plans[i], found[i], detector);
    MIEN_ASSERT_OK(truth);
    MIEN_ASSERT_OK(result);
    ASSERT_EQ(ids(*result), ids(*truth)) << i;
    for (std::size_t k = 0; k < truth->size(); ++k) {
      EXPECT_EQ((*result)[k].box, (*truth)[k].box);
    }
  }
}

TEST(Tracker, ResetStartsIdsAgain) {
  Stage stage;
  stage.show({{50, 50, 40, 40}, {150, 50, 40, 40}});
  stage.tracker().reset();
  EXPECT_EQ(ids(stage.show({{150, 50, 40, 40}})), Ids{0});
}

TEST(Tracker, TwoTracksOnOneFaceBecomeOne) {
  Stage stage;
  EXPECT_EQ(ids(stage.show({{50, 50, 60, 60}, {150, 50, 60, 60}})), (Ids{0, 1}));
  stage.show({{90, 50, 60, 60}, {110, 50, 60, 60}});
  for (int i = 0; i < 20; ++i) stage.show({{100, 50, 60, 60}});
  EXPECT_EQ(stage.show({{100, 50, 60, 60}}).size(), 1U);
}

TEST(Tracker, BoxesFromElsewhereGetIdsInTheirOrder) {
  Tracker tracker({});
  const Detection a{{0, 0, 10, 10}, 0};
  const Detection b{{100, 0, 10, 10}, 0};
  EXPECT_EQ(ids(tracker.assign(std::vector{a, b}, 0)), (Ids{0, 1}));
  EXPECT_EQ(ids(tracker.assign(std::vector{b, a}, 40'000)), (Ids{1, 0}));
  EXPECT_EQ(ids(tracker.assign({}, 80'000)), Ids{});
  const Detection c{{50, 50, 10, 10}, 0};
  EXPECT_EQ(ids(tracker.assign(std::vector{c, a}, 120'000)), (Ids{2, 0}));
}

TEST(Tracker, EmptyFrameAndTinyFramesAreNoFaces) {
  Tracker tracker({});
  FakeDetector detector;
  const auto none = tracker.track({}, 0, 0, detector);
  MIEN_ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
  const auto one = tracker.track(image::Image(1, 1), 1, 0, detector);
  MIEN_ASSERT_OK(one);
  EXPECT_TRUE(one->empty());
}

}  // namespace
}  // namespace mien::face
