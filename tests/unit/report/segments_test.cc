#include "mien/report/segments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using test::face_at;
using test::frame_of;

const std::vector<std::string> kSegmentLabels = {"happy", "sad", "neutral"};

engine::FaceResult leads(const std::string& label, std::int64_t track, float p = 0.8F) {
  test::Scores scores = {{label, p}};
  for (const std::string& other : kSegmentLabels) {
    if (other != label) scores.push_back({other, (1 - p) / 2});
  }
  return face_at({10, 10, 50, 50}, scores, track);
}

std::string told(const LabelSegments& segments) {
  std::string out;
  for (const SegmentTrack& track : segments.tracks()) {
    for (const Segment& s : track.segments) {
      out += std::to_string(track.id) + ":" + segments.name(s.label) + "[" +
             std::to_string(s.from_us / 1000) + "," + std::to_string(s.to_us / 1000) + ") ";
    }
  }
  return out;
}

TEST(Segments, OneSegmentPerStretchWithoutSmoothing) {
  LabelSegments segments(kSegmentLabels, 0);
  const std::vector<std::string> lead = {"happy", "happy", "sad", "happy"};
  for (std::size_t i = 0; i < lead.size(); ++i) {
    segments.add(frame_of(0.1 * static_cast<double>(i), {leads(lead[i], 0)}));
  }
  segments.finish();
  EXPECT_EQ(told(segments), "0:happy[0,200) 0:sad[200,300) 0:happy[300,400) ");
  EXPECT_NEAR(segments.tracks()[0].segments[0].probability, 0.8, 1e-6);
  EXPECT_EQ(segments.end_us(), 400'000);
}

TEST(Segments, SmoothingTakesOutAFlicker) {
  LabelSegments segments(kSegmentLabels, 0.5);
  for (int i = 0; i < 40; ++i) {
    segments.add(frame_of(0.1 * i, {leads(i == 10 ? "sad" : i < 20 ? "happy" : "neutral", 0)}));
  }
  segments.finish();
  EXPECT_EQ(told(segments), "0:happy[0,2000) 0:neutral[2000,4000) ");
}

TEST(Segments, ShortStretchesGoToANeighbour) {
  LabelSegments segments(kSegmentLabels, 0.3);
  // Windows of three frames: sad leads for two frames only, and so does the beginning.
  const std::string lead = "ssshhhhhhsshhhhhhh";
  for (std::size_t i = 0; i < lead.size(); ++i) {
    segments.add(
        frame_of(0.1 * static_cast<double>(i), {leads(lead[i] == 's' ? "sad" : "happy", 0)}));
  }
  segments.finish();
  EXPECT_EQ(told(segments), "0:sad[0,300) 0:happy[300,1800) ");
}

TEST(Segments, AFaceThatIsAwayEndsItsStretch) {
  LabelSegments segments(kSegmentLabels, 0);
  segments.add(frame_of(0.0, {leads("happy", 0), leads("sad", 1)}));
  segments.add(frame_of(0.1, {leads("happy", 0)}));
  segments.add(frame_of(0.2, {}));
  segments.add(frame_of(0.3, {leads("happy", 0)}));
  segments.finish();
  EXPECT_EQ(told(segments), "0:happy[0,200) 0:happy[300,400) 1:sad[0,100) ");
}

TEST(Segments, UnknownWhenMostOfTheWindowIs) {
  LabelSegments segments(kSegmentLabels, 0.3);
  for (int i = 0; i < 20; ++i) {
    engine::FaceResult face = leads("happy", 0);
    face.unknown = i >= 10;
    segments.add(frame_of(0.1 * i, {face}));
  }
  segments.finish();
  EXPECT_EQ(told(segments), "0:happy[0,1000) 0:unknown[1000,2000) ");
  EXPECT_EQ(segments.tracks()[0].segments[1].probability, 0);
}

TEST(Segments, OddInputs) {
  LabelSegments none(kSegmentLabels);
  none.finish();
  EXPECT_TRUE(none.tracks().empty());

  LabelSegments one(kSegmentLabels);  // one frame lasts a while
  one.add(frame_of(1.0, {leads("sad", 7)}));
  one.finish();
  EXPECT_EQ(told(one), "7:sad[1000,1040) ");
  EXPECT_EQ(one.begin_us(), 1'000'000);

  LabelSegments backwards(kSegmentLabels, 0);
  backwards.add(frame_of(1.0, {leads("sad", 0)}));
  backwards.add(frame_of(0.5, {leads("happy", 0)}));
  backwards.add(frame_of(2.0, {leads("happy", 0)}));
  backwards.finish();
  const SegmentTrack track = backwards.tracks()[0];
  for (const Segment& s : track.segments) EXPECT_LE(s.from_us, s.to_us);

  LabelSegments strange({}, std::numeric_limits<double>::quiet_NaN());
  strange.add(frame_of(0, {leads("sad", 0), leads("sad", 0), face_at({0, 0, 1, 1}, {}, -1)}));
  strange.finish();
  EXPECT_EQ(told(strange), "0:unknown[0,40) ");
}

TEST(Segments, NeverOverlapAndStayInOrder) {
  for (const double smooth : {0.0, 0.2, 1.0, 5.0}) {
    LabelSegments segments(kSegmentLabels, smooth);
    std::uint32_t state = 7;
    for (int i = 0; i < 400; ++i) {
      std::vector<engine::FaceResult> faces;
      for (std::int64_t track = 0; track < 3; ++track) {
        state = state * 1664525U + 1013904223U;
        if (state >> 29U == 0) continue;
        faces.push_back(leads(kSegmentLabels[state >> 16U & 1U], track, 0.5F));
        faces.back().unknown = (state >> 20U & 7U) == 0;
      }
      segments.add(frame_of(0.04 * i, std::move(faces)));
    }
    segments.finish();
    for (const SegmentTrack& track : segments.tracks()) {
      std::int64_t end = 0;
      for (const Segment& s : track.segments) {
        EXPECT_LE(end, s.from_us);
        EXPECT_LT(s.from_us, s.to_us);
        end = s.to_us;
      }
      EXPECT_LE(end, segments.end_us());
    }
  }
}

}  // namespace
}  // namespace mien::report
