#include "mien/report/draw.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "report/label_colours.h"
#include "report/layout.h"
#include "report/people_colours.h"
#include "report/timeline.h"
#include "support/test_support.h"
#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using image::Image;
using test::face_at;
using test::frame_of;
using test::kHappy;
using test::kSad;

Image plain(int width, int height, std::uint8_t level = 120) {
  Image out(width, height);
  for (std::uint8_t& v : out.pixels()) v = level;
  return out;
}

// Pixels inside `box` whose colour differs from `level` by more than rounding.
int changed_in(const Image& picture, const Rect& box, int level = 120) {
  int changed = 0;
  for (int y = std::max(0, static_cast<int>(box.y));
       y < std::min<double>(picture.height(), box.bottom()); ++y) {
    for (int x = std::max(0, static_cast<int>(box.x));
         x < std::min<double>(picture.width(), box.right()); ++x) {
      const std::uint8_t* p = picture.row(y) + std::ptrdiff_t{3} * x;
      changed +=
          std::abs(p[0] - level) > 2 || std::abs(p[1] - level) > 2 || std::abs(p[2] - level) > 2;
    }
  }
  return changed;
}

TEST(Draw, NoFacesChangesNothing) {
  Image picture = plain(320, 240);
  const Image before = picture;
  MIEN_ASSERT_OK(annotate(picture, {}));
  EXPECT_EQ(picture.pixels(), before.pixels());
}

TEST(Draw, EmptyPictureIsAnError) {
  Image picture;
  MIEN_EXPECT_CODE(annotate(picture, {}), StatusCode::kInvalidArgument);
}

TEST(Draw, BoxAndPanelAreDrawnAndTheFaceStaysFree) {
  Image picture = plain(640, 480);
  const std::vector faces = {face_at({200, 150, 120, 120}, kHappy)};
  MIEN_ASSERT_OK(annotate(picture, faces));
  EXPECT_EQ(picture.width(), 640);
  EXPECT_EQ(picture.height(), 480);
  EXPECT_GT(changed_in(picture, {198, 148, 124, 8}), 200) << "upper edge";
  EXPECT_EQ(changed_in(picture, {210, 160, 100, 100}), 0) << "inside";
  EXPECT_GT(changed_in(picture, {322, 150, 200, 90}), 3000) << "panel on the right";
  EXPECT_EQ(changed_in(picture, {0, 300, 640, 180}), 0) << "far away";
}

TEST(Draw, DetectedOnlyFaceHasABoxAndNoPanel) {
  Image picture = plain(640, 480);
  const std::vector faces = {face_at({200, 150, 120, 120}, {})};
  MIEN_ASSERT_OK(annotate(picture, faces));
  EXPECT_GT(changed_in(picture, {198, 148, 124, 8}), 200);
  EXPECT_EQ(changed_in(picture, {325, 0, 315, 480}), 0);
}

TEST(Draw, LandmarksAreAnOption) {
  const std::vector faces = {face_at({200, 150, 120, 120}, {})};
  Image picture = plain(640, 480);
  DrawStyle style;
  style.landmarks = true;
  MIEN_ASSERT_OK(annotate(picture, faces, style));
  const image::Point eye = (*faces[0].face.landmarks5)[0];
  EXPECT_GT(changed_in(picture, {eye.x - 2, eye.y - 2, 4, 4}), 4);
}

TEST(Draw, UnknownIsGrey) {
  auto face = face_at({200, 150, 120, 120}, kHappy);
  face.unknown = true;
  Image picture = plain(640, 480, 0);
  const std::vector faces = {face};
  MIEN_ASSERT_OK(annotate(picture, faces));
  for (int y = 0; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      const std::uint8_t* p = picture.row(y) + std::ptrdiff_t{3} * x;
      ASSERT_LE(std::max({p[0], p[1], p[2]}) - std::min({p[0], p[1], p[2]}), 10);
    }
  }
}

TEST(Draw, TrackKeepsItsColour) {
  const auto edge_of = [](std::int64_t track) {
    Image picture = plain(640, 480);
    const std::vector faces = {face_at({200, 150, 120, 120}, kHappy, track)};
    EXPECT_TRUE(annotate(picture, faces).ok());
    const std::uint8_t* p = picture.row(210) + std::ptrdiff_t{3} * 201;
    return std::array{p[0], p[1], p[2]};
  };
  EXPECT_EQ(edge_of(3), edge_of(3));
  EXPECT_NE(edge_of(3), edge_of(4));
}

TEST(Draw, WholeFaceIsListedBelowThePicture) {
  auto face = face_at({0, 0, 300, 300}, kHappy);
  face.face.source = face::FaceSource::kWhole;
  Image picture = plain(300, 300);
  const std::vector faces = {face};
  MIEN_ASSERT_OK(annotate(picture, faces));
  EXPECT_EQ(picture.width(), 300);
  EXPECT_GT(picture.height(), 320);
  EXPECT_EQ(changed_in(picture, {0, 0, 300, 300}), 0);
  EXPECT_GT(changed_in(picture, {0, 300, 300, 100}), 300 * 20);
}

TEST(Draw, TinyPicturesGrowUnlessAskedNotTo) {
  Image picture = plain(48, 48);
  const std::vector faces = {face_at({5, 5, 38, 38}, kHappy)};
  MIEN_ASSERT_OK(annotate(picture, faces));
  EXPECT_EQ(picture.width(), 240);
  EXPECT_GT(picture.height(), 240) << "the face leaves no room beside it";
  Image small = plain(48, 48);
  MIEN_ASSERT_OK(annotate(small, faces, {.enlarge_small = false}));
  EXPECT_EQ(small.width(), 48);
  EXPECT_GE(small.height(), 48);
}

TEST(Draw, EverySizeWorks) {
  const int sizes[][2] = {{1, 1}, {1, 5000}, {5000, 1}, {2, 3}, {17, 31}, {241, 239}, {1920, 1080}};
  for (const auto& [width, height] : sizes) {
    for (const bool whole : {false, true}) {
      auto face = face_at({0, 0, static_cast<float>(width), static_cast<float>(height)}, kHappy, 0);
      if (whole) face.face.source = face::FaceSource::kWhole;
      const std::vector faces = {face};
      Image picture = plain(width, height);
      MIEN_ASSERT_OK(annotate(picture, faces));
      EXPECT_GE(picture.width(), width);
      EXPECT_GE(picture.height(), height);
      Image frame = plain(width, height);
      auto annotator = Annotator::create();
      MIEN_ASSERT_OK(annotator);
      const auto size = annotator->clip_size(width, height);
      MIEN_ASSERT_OK(annotator->draw_frame(frame, faces, ClipTimeline(), {}));
      EXPECT_EQ(frame.width(), size.width);
      EXPECT_EQ(frame.height(), size.height);
      EXPECT_EQ(frame.width() % 2 + frame.height() % 2, 0);
    }
  }
}

TEST(Draw, TooLargeIsAnError) {
  Image picture = plain(40'000, 1);
  MIEN_EXPECT_CODE(annotate(picture, {}), StatusCode::kResourceLimit);
}

TEST(Draw, StrangeBoxesAreCutOrLeftOut) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  const Image before = plain(320, 240);
  const image::Box outside[] = {{nan, 0, 10, 10}, {0, 0, inf, 10},      {-inf, 0, inf, 10},
                                {500, 0, 50, 50}, {-60, -60, 50, 50},   {10, 10, 0, 50},
                                {10, 10, -5, 50}, {1e38F, 1e38F, 5, 5}, {5, 5, 0.1F, 0.1F}};
  for (const image::Box& box : outside) {
    Image picture = before;
    const std::vector faces = {face_at(box, kHappy)};
    MIEN_ASSERT_OK(annotate(picture, faces));
    EXPECT_EQ(picture.pixels(), before.pixels()) << box.x << ' ' << box.w;
  }
  const image::Box partly[] = {{-50, -50, 200, 200},
                               {250, 200, 400, 400},
                               {-3e38F, -3e38F, 3.4e38F, 3.4e38F},
                               {-10, -10, 1e9F, 1e9F}};
  for (const image::Box& box : partly) {
    Image picture = before;
    const std::vector faces = {face_at(box, kHappy, std::numeric_limits<std::int64_t>::max())};
    MIEN_ASSERT_OK(annotate(picture, faces, {.landmarks = true}));
    EXPECT_NE(picture.pixels(), before.pixels()) << box.x << ' ' << box.w;
  }
}

TEST(Draw, AnyLabelText) {
  auto annotator = Annotator::create();
  MIEN_ASSERT_OK(annotator);
  for (const std::string& text : test::hostile_texts()) {
    for (const float side : {20.0F, 120.0F}) {
      Image picture = plain(320, 240);
      const std::vector faces = {face_at({50, 50, side, side}, {{text, 0.5F}, {text, 0.3F}})};
      MIEN_ASSERT_OK(annotator->draw(picture, faces));
      EXPECT_EQ(picture.width(), 320);
      ClipTimeline timeline;
      auto tracked = faces;
      tracked[0].face.track = 1;
      timeline.add(frame_of(0, tracked));
      timeline.add(frame_of(5, tracked));
      MIEN_ASSERT_OK(annotator->draw_frame(picture, tracked, timeline, {5'000'000, 6'000'000}));
    }
  }
}

TEST(Draw, ScoresThatAreNotProbabilities) {
  for (const float p : {std::numeric_limits<float>::quiet_NaN(), -1.0F, 7.0F, HUGE_VALF}) {
    Image picture = plain(320, 240);
    const std::vector faces = {face_at({50, 50, 80, 80}, {{"happy", p}})};
    MIEN_ASSERT_OK(annotate(picture, faces));
    EXPECT_EQ(changed_in(picture, {0, 200, 320, 40}), 0);
  }
}

TEST(Draw, StyleOutOfRangeIsClamped) {
  Image picture = plain(320, 240);
  const std::vector faces = {face_at({50, 50, 80, 80}, kHappy)};
  MIEN_ASSERT_OK(annotate(picture, faces,
                          {.top_labels = -4,
                           .scale = std::nan(""),
                           .timeline_rows = 9999,
                           .font = "no such font \x01"}));
}

TEST(Draw, TimeLineShowsTheLabelsUpToNow) {
  ClipTimeline timeline;
  for (int i = 0; i <= 20; ++i) {
    timeline.add(frame_of(i * 0.25, {face_at({200, 150, 120, 120}, i < 10 ? kHappy : kSad, 0)}));
  }
  auto annotator = Annotator::create();
  MIEN_ASSERT_OK(annotator);
  Image frame = plain(640, 480);
  MIEN_ASSERT_OK(annotator->draw_frame(frame, {}, timeline, {5'000'000, 10'000'000}));
  EXPECT_EQ(changed_in(frame, {0, 0, 640, 480}), 0) << "the picture itself is not covered";
  // Sample along the middle of the bar: two label colours, then the dark part still to come.
  const int y = 480 + (frame.height() - 480) * 2 / 5;
  const auto at = [&](int x) {
    const std::uint8_t* p = frame.row(y) + std::ptrdiff_t{3} * x;
    return std::array{p[0], p[1], p[2]};
  };
  EXPECT_NE(at(60), at(300));
  EXPECT_EQ(at(500), at(600));
  EXPECT_NE(at(300), at(500));
}

TEST(Draw, TimeLineHasALineOfTheIntensity) {
  const auto drawn = [](std::optional<float> intensity) {
    ClipTimeline timeline;
    for (int i = 0; i <= 20; ++i) {
      auto face = face_at({200, 150, 120, 120}, kHappy, 0);
      face.intensity = intensity;
      timeline.add(frame_of(i * 0.25, {face}));
    }
    auto annotator = Annotator::create();
    EXPECT_TRUE(annotator.ok());
    Image frame = plain(640, 480);
    EXPECT_TRUE(annotator->draw_frame(frame, {}, timeline, {5'000'000, 10'000'000}).ok());
    return frame;
  };
  // The row of the band at a quarter of its width that is brighter than without an intensity.
  const Image without = drawn(std::nullopt);
  const auto row_of = [&](float intensity) {
    const Image with = drawn(intensity);
    for (int y = 480; y < with.height(); ++y) {
      const std::ptrdiff_t at = std::ptrdiff_t{3} * 160;
      if (with.row(y)[at] + with.row(y)[at + 2] >
          without.row(y)[at] + without.row(y)[at + 2] + 60) {
        return y;
      }
    }
    return -1;
  };
  EXPECT_GT(row_of(0.9F), 0);
  EXPECT_GT(row_of(0.1F), row_of(0.9F)) << "strong faces are drawn higher";
}

TEST(Draw, TimeLineUnderHostileTimes) {
  ClipTimeline timeline;
  timeline.add(frame_of(1, {face_at({200, 150, 120, 120}, kHappy, 0)}));
  auto annotator = Annotator::create();
  MIEN_ASSERT_OK(annotator);
  const std::int64_t times[] = {std::numeric_limits<std::int64_t>::min(), -1, 0, 1,
                                std::numeric_limits<std::int64_t>::max()};
  for (const std::int64_t now : times) {
    for (const std::int64_t duration : times) {
      Image frame = plain(64, 48);
      MIEN_ASSERT_OK(annotator->draw_frame(frame, {}, timeline, {now, duration}));
    }
  }
}

TEST(Layout, PanelStaysInsideAndOffOtherFaces) {
  const std::vector<Rect> faces = {{100, 100, 80, 80}, {190, 100, 80, 80}};
  const Rect bounds{4, 4, 392, 292};
  const std::vector<Rect> none;
  const Placement placement = place_panel(120, 60, 4, 0, {bounds, faces, 0, none});
  EXPECT_EQ(shared_area(placement.rect, faces[0]), 0);
  EXPECT_EQ(shared_area(placement.rect, faces[1]), 0);
  EXPECT_GE(placement.rect.x, bounds.x);
  EXPECT_LE(placement.rect.right(), bounds.right());
  EXPECT_EQ(placement.covered, 0);
}

TEST(Layout, PanelOfAFaceThatFillsThePictureLeavesItsMiddleAsFreeAsItCan) {
  const std::vector<Rect> faces = {{0, 0, 400, 300}};
  const std::vector<Rect> none;
  const Placement placement = place_panel(120, 60, 4, 0, {{4, 4, 392, 292}, faces, 0, none});
  EXPECT_GE(placement.rect.x, 4);
  EXPECT_LE(placement.rect.bottom(), 296);
  EXPECT_EQ(shared_area(placement.rect, {100, 80, 200, 140}), 0);
}

TEST(Layout, PanelLargerThanThePictureStartsInside) {
  const std::vector<Rect> faces = {{0, 0, 10, 10}};
  const std::vector<Rect> none;
  const Placement placement = place_panel(500, 500, 4, 0, {{1, 1, 18, 18}, faces, 0, none});
  EXPECT_EQ(placement.rect.x, 1);
  EXPECT_EQ(placement.rect.y, 1);
}

TEST(Layout, PanelGoesFartherAwayRatherThanOverAnotherFace) {
  // A face in the middle of eight others.
  std::vector<Rect> faces = {{180, 180, 40, 40}};
  for (const double x : {130.0, 180.0, 230.0}) {
    for (const double y : {130.0, 180.0, 230.0}) {
      if (x != 180 || y != 180) faces.push_back({x, y, 40, 40});
    }
  }
  const std::vector<Rect> none;
  const Obstacles obstacles{{0, 0, 400, 400}, faces, 0, none};
  EXPECT_GT(place_panel(80, 20, 2, 0, obstacles).covered, 0);
  const Placement placement = place_panel(80, 20, 2, 120, obstacles);
  EXPECT_EQ(placement.covered, 0);
  for (const Rect& face : faces) EXPECT_EQ(shared_area(placement.rect, face), 0);
}

// Faces on a grid that fills the picture.
std::vector<engine::FaceResult> crowd(int columns, int rows, float pitch, float side) {
  std::vector<engine::FaceResult> out;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      out.push_back(face_at({pitch * static_cast<float>(x) + (pitch - side) / 2,
                             pitch * static_cast<float>(y) + (pitch - side) / 2, side, side},
                            x % 2 == 0 ? kHappy : kSad));
    }
  }
  return out;
}

TEST(Draw, PanelsNeverHideOtherFaces) {
  for (const float side : {30.0F, 56.0F, 90.0F, 118.0F}) {
    Image picture = plain(960, 720);
    const auto faces = crowd(8, 6, 120, side);
    MIEN_ASSERT_OK(annotate(picture, faces));
    for (const auto& face : faces) {
      const image::Box& b = face.face.box;
      const Rect middle{double{b.x} + 0.3 * double{b.w}, double{b.y} + 0.35 * double{b.h},
                        0.4 * double{b.w}, 0.35 * double{b.h}};
      EXPECT_EQ(changed_in(picture, middle), 0) << side << " at " << b.x << ", " << b.y;
    }
  }
}

TEST(Draw, FacesWithoutRoomAreListedBelow) {
  Image picture = plain(400, 400);
  const auto faces = crowd(16, 16, 25, 24);
  MIEN_ASSERT_OK(annotate(picture, faces));
  EXPECT_GT(picture.height(), 420);
  EXPECT_LE(picture.height(), 660) << "the list has a limit";
  int light = 0;  // letters and colours on the dark band
  for (int y = 400; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) light += *(picture.row(y) + 3 * x) > 180 ? 1 : 0;
  }
  EXPECT_GT(light, 1000);
}

TEST(Draw, AFaceThatFillsThePictureIsListedBelow) {
  Image picture = plain(300, 300);
  const std::vector faces = {face_at({10, 10, 280, 280}, kHappy)};
  MIEN_ASSERT_OK(annotate(picture, faces));
  EXPECT_GT(picture.height(), 320);
  EXPECT_EQ(changed_in(picture, {60, 60, 180, 180}), 0);
}

TEST(PeopleColours, NeighboursAreApart) {
  const auto faces = crowd(12, 10, 40, 36);
  std::vector<std::int64_t> numbers;
  std::vector<Rect> boxes;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const image::Box& b = faces[i].face.box;
    numbers.push_back(static_cast<std::int64_t>(i));
    boxes.push_back({b.x, b.y, b.w, b.h});
  }
  PeopleColours people;
  people.see(numbers, boxes);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double apart = std::hypot(boxes[i].x - boxes[j].x, boxes[i].y - boxes[j].y);
      if (apart >= 60) continue;
      EXPECT_NE(&people.of(numbers[i]), &people.of(numbers[j])) << i << ' ' << j;
    }
  }
  // Who was there keeps the colour, wherever the others go.
  const Colour* before = &people.of(5);
  people.see(std::vector<std::int64_t>{5, 500}, std::vector<Rect>{{0, 0, 9, 9}, {10, 0, 9, 9}});
  EXPECT_EQ(&people.of(5), before);
  EXPECT_NE(&people.of(500), before);
}

TEST(LabelColours, AreThoseOfTheNameWhateverTheSet) {
  const LabelColours few({"happy", "sad"});
  const LabelColours many({"sad", "bored", "amused", "surprise", "happy", "joy"});
  EXPECT_EQ(&few.of("happy"), &many.of("happy"));
  EXPECT_EQ(&few.of("sad"), &many.of("sad"));
  EXPECT_EQ(&LabelColours({"sadness"}).of("sadness"), &few.of("sad"));
  EXPECT_EQ(&LabelColours({"b", "a"}).of("a"), &LabelColours({"a", "b"}).of("a"));
  EXPECT_EQ(&few.of("not in the set"), &kGrey);
}

TEST(LabelColours, DifferWithinASet) {
  std::vector<std::string> names = {"happy", "happiness", "anger"};
  for (int i = 0; i < 13; ++i) names.push_back("label " + std::to_string(i));
  const LabelColours colours(names);
  for (const std::string& a : names) {
    for (const std::string& b : names) {
      if (a == b) continue;
      EXPECT_NE(&colours.of(a), &colours.of(b)) << a << ' ' << b;
    }
  }
  std::vector<std::string> hundred;
  for (int i = 0; i < 100; ++i) hundred.push_back(std::to_string(i));
  EXPECT_NE(&LabelColours(hundred).of("7"), &kGrey);
}

}  // namespace
}  // namespace mien::report
