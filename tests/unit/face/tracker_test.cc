#include "mien/face/tracker.h"

#include <gtest/gtest.h>

#include <cmath>

#include "fake_detector.h"
#include "support/test_support.h"

namespace mien::face {
namespace {

using test::FakeDetector;
using test::paint_face;

/// Plays frames with faces painted at given positions through a tracker, at 25 frames per second.
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
    return play(frame);
  }
  std::vector<TrackedFace> play(const image::Image& frame) {
    auto out = tracker_.track(frame, index_, index_ * frame_us, detector_);
    ++index_;
    EXPECT_EQ(test::problem_of(out), "");
    return out.ok() ? *out : std::vector<TrackedFace>{};
  }
  void skip(int frames) { index_ += frames; }
  Tracker& tracker() { return tracker_; }
  FakeDetector::Log log_;
  std::int64_t frame_us = 40'000;

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

TEST(Tracker, ReportsFacesOnlyWhereFound) {
  Stage stage;
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}})), Ids{0});
  EXPECT_EQ(ids(stage.show({})), Ids{});
  EXPECT_EQ(ids(stage.show({{55, 50, 40, 40}})), Ids{0});
}

TEST(Tracker, FaceThatReturnsLateIsNew) {
  Stage stage;
  EXPECT_EQ(ids(stage.show({{50, 50, 40, 40}})), Ids{0});
  for (int i = 0; i < 80; ++i) EXPECT_EQ(ids(stage.show({})), Ids{});
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

TEST(Tracker, BetweenFullSearchesSearchesOnlyAroundFaces) {
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

/// A frame with faces on chosen backgrounds: the surroundings of a face are part of its look.
class Scene {
 public:
  explicit Scene(int light) : frame_(320, 240) {
    std::fill(frame_.pixels().begin(), frame_.pixels().end(), static_cast<std::uint8_t>(light));
  }
  /// Stripes in two directions, with a width that depends on `style`.
  Scene& ground(const image::Box& box, int style) {
    for (int y = static_cast<int>(box.y); y < static_cast<int>(box.y + box.h); ++y) {
      for (int x = static_cast<int>(box.x); x < static_cast<int>(box.x + box.w); ++x) {
        const int along = style % 2 == 0 ? x : y;
        std::fill_n(frame_.row(y) + 3 * x, 3,
                    static_cast<std::uint8_t>(along / (4 * style) % 2 == 0 ? 20 : 240));
      }
    }
    return *this;
  }
  /// A face of 40 pixels whose dark half is on the side given by `style`.
  Scene& face(float x, float y, int id, int style) {
    paint_face(frame_, {x, y, 40, 40}, id);
    const auto left = static_cast<int>(x) + (style == 1 ? 4 : 20);
    for (int j = static_cast<int>(y) + 4; j < static_cast<int>(y) + 36; ++j) {
      for (int i = left; i < left + 16; ++i) std::fill_n(frame_.row(j) + 3 * i, 3, std::uint8_t{5});
    }
    return *this;
  }
  operator const image::Image&() const { return frame_; }  // NOLINT(google-explicit-constructor)

 private:
  image::Image frame_;
};

TEST(Tracker, CutGivesADifferentLookingFaceANewId) {
  Stage stage({.detect_every = 100});
  EXPECT_EQ(ids(stage.play(Scene(0).face(50, 50, 1, 1))), Ids{0});
  EXPECT_EQ(ids(stage.play(Scene(20).face(50, 50, 1, 1))), Ids{0});
  EXPECT_EQ(ids(stage.play(Scene(200).face(50, 50, 1, 2))), Ids{1});
}

TEST(Tracker, CutElsewhereKeepsOtherTracks) {
  // The right half toggles between a person on a bright background and nothing.
  Stage stage({.detect_every = 100});
  const image::Box right{160, 0, 160, 240};
  std::size_t seen = 0;
  for (int i = 0; i < 60; ++i) {
    Scene scene(0);
    if (i / 10 % 2 == 1) scene.ground(right, 8).face(220, 100, 2, 2);
    const auto now = ids(stage.play(scene.face(50, 50, 1, 1)));
    ASSERT_FALSE(now.empty()) << i;
    EXPECT_EQ(now[0], 0) << i;
    seen = std::max(seen, now.size());
  }
  EXPECT_EQ(seen, 2U);
}

TEST(Tracker, ShortBlackoutKeepsTheId) {
  for (const int dark : {1, 10, 40}) {
    Stage stage;
    const Scene lit = Scene(200).face(50, 50, 1, 1).face(200, 100, 2, 2);
    EXPECT_EQ(ids(stage.play(lit)), (Ids{0, 1}));
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < dark; ++i) EXPECT_EQ(ids(stage.play(Scene(0))), Ids{});
      for (int i = 0; i < 6; ++i) EXPECT_EQ(ids(stage.play(lit)), (Ids{0, 1})) << dark;
    }
  }
}

TEST(Tracker, AnotherPersonAfterABlackoutIsNew) {
  Stage stage;
  EXPECT_EQ(ids(stage.play(Scene(200).face(50, 50, 1, 1))), Ids{0});
  for (int i = 0; i < 5; ++i) stage.play(Scene(0));
  EXPECT_EQ(ids(stage.play(Scene(200).face(50, 50, 1, 2))), Ids{1});
}

TEST(Tracker, WalkingFaceKeepsItsIdAtAnyFrameRate) {
  for (const double fps : {25.0, 10.0, 5.0, 4.0}) {
    Stage stage;
    stage.frame_us = static_cast<std::int64_t>(1e6 / fps);
    std::size_t found = 0;
    const int frames = static_cast<int>(12 * fps);
    for (int i = 0; i < frames; ++i) {
      // Back and forth, at most 4.4 widths of the face per second.
      const double x = 140 + 130 * std::sin(1.35 * i / fps);
      const auto now = ids(stage.play(Scene(120).face(static_cast<float>(x), 90, 1, 1)));
      found += now.size();
      for (const std::int64_t id : now) EXPECT_EQ(id, 0) << fps << " " << i;
    }
    EXPECT_GE(found, static_cast<std::size_t>(frames) - 3) << fps;
  }
}

TEST(Tracker, CrossingFacesKeepTheirIds) {
  // 2 passes behind 1, is hidden for a while and appears on the other side.
  Stage stage;
  std::int64_t last = -1;
  for (int i = 0; i < 60; ++i) {
    Scene scene(120);
    const float x = 10 + 4.0F * static_cast<float>(i);
    if (std::abs(x - 130) > 34) scene.face(x, 90, 2, 2);  // otherwise hidden, for 0.7 seconds
    scene.face(130, 90, 1, 1);
    for (const TrackedFace& face : stage.play(scene)) {
      if (std::abs(face.box.x - 130) < 6 && face.box.w < 46) {
        last = face.track;
      }
    }
  }
  const auto faces = stage.play(Scene(120).face(254, 90, 2, 2).face(130, 90, 1, 1));
  ASSERT_EQ(faces.size(), 2U);
  EXPECT_EQ(ids(faces), (Ids{0, 1}));
  EXPECT_NEAR(faces[static_cast<std::size_t>(last)].box.x, 130, 3);
}

TEST(Tracker, NeighbourFoundLaterDoesNotTakeTheId) {
  // 1 is no longer found when 2 appears beside it: the id stays with 1.
  Stage stage;
  EXPECT_EQ(ids(stage.play(Scene(120).face(50, 50, 1, 1))), Ids{0});
  for (int i = 0; i < 6; ++i) stage.play(Scene(120).face(100, 50, 2, 2));
  EXPECT_EQ(ids(stage.play(Scene(120).face(50, 50, 1, 1).face(100, 50, 2, 2))), (Ids{0, 1}));
}

TEST(Tracker, LowFrameRatesSearchEveryFrame) {
  Tracker tracker({});
  image::Image frame(64, 48);
  std::vector<bool> due;
  for (int i = 0; i < 4; ++i) due.push_back(tracker.plan(frame, i, i * 200'000).due);
  EXPECT_EQ(due, (std::vector<bool>{true, true, true, true}));
  tracker.reset();
  due.clear();
  for (int i = 0; i < 7; ++i) due.push_back(tracker.plan(frame, i, i * 16'667).due);
  EXPECT_EQ(due, (std::vector<bool>{true, false, false, false, false, true, false}));
}

TEST(Tracker, EveryThirdSearchIncludesSmallFaces) {
  Tracker tracker({});
  image::Image frame(64, 48);
  std::vector<int> fine;
  for (int i = 0; i < 40; ++i) {
    if (tracker.plan(frame, i, i * 40'000).fine) fine.push_back(i);
  }
  EXPECT_EQ(fine, (std::vector<int>{0, 15, 30}));
  std::fill(frame.pixels().begin(), frame.pixels().end(), std::uint8_t{200});
  EXPECT_TRUE(tracker.plan(frame, 40, 1'600'000).fine);  // a cut
  EXPECT_FALSE(tracker.plan(frame, 45, 1'640'000).fine);
  EXPECT_TRUE(tracker.plan(frame, 46, 1'840'000).fine);  // few frames per second
}

TEST(Tracker, SearchesSixtyPixelFacesUpTo4K) {
  const Tracker tracker({});
  const auto smallest = [&](int width, int height) {
    return 80 / tracker.whole_search(width, height, true).scale;
  };
  EXPECT_NEAR(80 / tracker.whole_search(1920, 1080, false).scale, 155.3, 0.1);
  EXPECT_EQ(tracker.whole_search(640, 360, false).scale,
            tracker.whole_search(640, 360, true).scale);
  EXPECT_NEAR(smallest(320, 240), 40, 0.1);  // no smaller than before
  EXPECT_NEAR(smallest(640, 360), 51.8, 0.1);
  EXPECT_NEAR(smallest(640, 480), 60, 0.3);
  EXPECT_NEAR(smallest(1280, 720), 60, 0.1);
  EXPECT_NEAR(smallest(1920, 1080), 60, 0.1);
  EXPECT_NEAR(smallest(3840, 2160), 60, 0.1);
  EXPECT_NEAR(smallest(7680, 4320), 120, 0.5);
  const Tracker asked({.min_face = 160});
  EXPECT_EQ(asked.whole_search(320, 240, false).scale, 0.5F);
  const Tracker other({.detector_face = 12});
  EXPECT_NEAR(other.whole_search(1920, 1080, true).scale, 0.515, 0.001);
}

TEST(Tracker, SearchingAheadChangesNothing) {
  // One face, then a crowd, a cut, nobody, two faces: every path through the tracker.
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
    const auto index = static_cast<std::int64_t>(i);
    plans.push_back(steps.plan(frames[i], index, index * 40'000));
    if (!plans.back().search) continue;
    auto now = ahead.detect(frames[i], steps.whole_search(320, 240, plans.back().search_fine));
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

TEST(Tracker, GivenBoxesGetIdsInTheirOrder) {
  Tracker tracker({});
  const Detection a{{0, 0, 10, 10}, 0};
  const Detection b{{100, 0, 10, 10}, 0};
  EXPECT_EQ(ids(tracker.assign(std::vector{a, b}, 0)), (Ids{0, 1}));
  EXPECT_EQ(ids(tracker.assign(std::vector{b, a}, 40'000)), (Ids{1, 0}));
  EXPECT_EQ(ids(tracker.assign({}, 80'000)), Ids{});
  const Detection c{{50, 50, 10, 10}, 0};
  EXPECT_EQ(ids(tracker.assign(std::vector{c, a}, 120'000)), (Ids{2, 0}));
}

TEST(Tracker, EmptyAndTinyFramesHaveNoFaces) {
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
