#include "mien/pipeline/segments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <limits>

#include "unit/report/report_samples.h"

namespace mien::pipeline {
namespace {

using report::test::face_at;
using report::test::frame_of;

const std::vector<std::string> kSegmentLabels = {"happy", "sad", "neutral"};

engine::FaceResult leads(const std::string& label, std::int64_t track, float p = 0.8F) {
  report::test::Scores scores = {{label, p}};
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

TEST(Segments, AShortAbsenceIsBridged) {
  LabelSegments segments(kSegmentLabels, 0.5);
  for (int i = 0; i < 60; ++i) {
    const bool away = i == 10 || i == 11 || (i >= 30 && i < 40);
    segments.add(frame_of(0.1 * i, away ? std::vector<engine::FaceResult>()
                                        : std::vector{leads(i < 12 ? "happy" : "sad", 0)}));
  }
  segments.finish();
  EXPECT_EQ(told(segments), "0:happy[0,1200) 0:sad[1200,3000) 0:sad[4000,6000) ");
}

TEST(Segments, ANarrowLeadDoesNotTakeOver) {
  // Leads of 0.6 s that alternate by little: one stretch; by much: as they are.
  const auto read = [](float high) {
    LabelSegments segments(kSegmentLabels, 0.5);
    for (int i = 0; i < 90; ++i) {
      segments.add(frame_of(0.1 * i, {face_at({1, 1, 9, 9},
                                              {{"happy", i / 6 % 2 == 0 ? high : 0.4F},
                                               {"sad", i / 6 % 2 == 0 ? 0.4F : high}},
                                              0)}));
    }
    segments.finish();
    return segments.tracks()[0].segments.size();
  };
  EXPECT_EQ(read(0.41F), 1U);
  EXPECT_EQ(read(0.8F), 15U);
}

TEST(Segments, ALastingLeadTakesOverThoughNobodyStaysFirst) {
  // Happy for 2 s, then sad and neutral in turn, three frames of sad to one of neutral.
  LabelSegments segments(kSegmentLabels, 0.3);
  for (int i = 0; i < 80; ++i) {
    segments.add(frame_of(0.1 * i, {leads(i < 20 ? "happy" : i % 6 < 4 ? "sad" : "neutral", 0)}));
  }
  segments.finish();
  const auto all = segments.tracks()[0].segments;
  ASSERT_GE(all.size(), 2U);
  EXPECT_EQ(segments.name(all[0].label), "happy");
  EXPECT_LE(all[0].to_us, 2'600'000);
  EXPECT_LE(all.size(), 4U);
}

TEST(Segments, SharesAreWeightedWithTime) {
  // Ten frames a second of happy for one second, then one frame a second of sad for nine.
  LabelSegments segments(kSegmentLabels, 0);
  for (int i = 0; i < 10; ++i) segments.add(frame_of(0.1 * i, {leads("happy", 0)}));
  for (int i = 0; i < 9; ++i) segments.add(frame_of(1.0 + i, {leads("sad", 0)}));
  segments.finish();
  std::vector<TrackResult> tracks(1);
  add_segments(segments, tracks);
  ASSERT_EQ(tracks[0].shares.size(), 4U);
  EXPECT_EQ(tracks[0].shares[0].label, "sad");
  EXPECT_NEAR(tracks[0].shares[0].seconds, 9, 1e-9);
  EXPECT_NEAR(tracks[0].shares[0].share, 0.9, 1e-9);
  EXPECT_NEAR(tracks[0].shares[1].share, 0.1, 1e-9);
  EXPECT_EQ(tracks[0].shares[3].label, "unknown");
  EXPECT_EQ(tracks[0].shares[3].seconds, 0);
}

TEST(Segments, ProbabilityIsTheMeanOverTime) {
  LabelSegments segments(kSegmentLabels, 0);
  segments.add(frame_of(0.0, {leads("happy", 0, 0.9F)}));
  segments.add(frame_of(0.3, {leads("happy", 0, 0.5F)}));
  segments.add(frame_of(0.4, {}));
  segments.finish();
  EXPECT_NEAR(segments.tracks()[0].segments[0].probability, 0.8, 1e-6);
}

TEST(Segments, NothingIsMadeUpForAGapInTheClip) {
  for (const double smooth : {0.0, 0.5}) {
    LabelSegments segments(kSegmentLabels, smooth);
    for (int i = 0; i < 40; ++i) {
      segments.add(frame_of(0.1 * i + (i < 20 ? 0 : 10), {leads("happy", 0)}));
    }
    segments.finish();
    EXPECT_EQ(told(segments), "0:happy[0,2000) 0:happy[12000,14000) ") << smooth;
  }
  LabelSegments sparse(kSegmentLabels, 0.5);  // one frame every five seconds is no gap
  for (int i = 0; i < 4; ++i) sparse.add(frame_of(5.0 * i, {leads("happy", 0)}));
  sparse.finish();
  EXPECT_EQ(told(sparse), "0:happy[0,20000) ");
}

// The frames of `lead` (h, s, n, one every 0.1 s) as take() gives them; '.' while not settled.
std::string answers(const std::string& lead, double smooth, LabelSegments::Use use,
                    std::size_t most_waiting = 1000) {
  LabelSegments segments(kSegmentLabels, smooth, use);
  std::deque<FrameResult> waiting;
  std::string out;
  const auto take = [&] {
    while (!waiting.empty() && segments.take(waiting.front())) {
      out += waiting.front().faces[0].steady->top()[0];
      waiting.pop_front();
    }
  };
  for (std::size_t i = 0; i < lead.size(); ++i) {
    const char c = lead[i];
    waiting.push_back(frame_of(0.1 * static_cast<double>(i), {leads(c == 'h'   ? "happy"
                                                                    : c == 's' ? "sad"
                                                                               : "neutral",
                                                                    0)}));
    segments.add(waiting.back());
    if (waiting.size() > most_waiting) segments.settle_oldest();
    take();
    EXPECT_LE(waiting.size(), std::min<std::size_t>(most_waiting, 10));
  }
  segments.finish();
  take();
  std::string by_segments(out.size(), '.');
  const auto all = segments.tracks()[0].segments;
  for (const Segment& s : all) {
    for (std::int64_t at = s.from_us; at < s.to_us; at += 100'000) {
      by_segments[static_cast<std::size_t>(at / 100'000)] = segments.name(s.label)[0];
    }
  }
  EXPECT_EQ(out, by_segments);
  return out;
}

TEST(Segments, AnswersOfFramesAreThoseOfTheSegments) {
  using Use = LabelSegments::Use;
  const std::string lead = "hhhhhhhhshhhhhhhsssssssshsssssnnnnnnnnnnh";
  EXPECT_EQ(answers(lead, 0, Use::kAnswers), lead);
  EXPECT_EQ(answers(lead, 0.5, Use::kAnswers), "hhhhhhhhhhhhhhhhssssssssssssssnnnnnnnnnnn");
  // Settled early, to save memory: still the same in every output.
  const std::string early = answers(lead, 0.5, Use::kAnswers, 2);
  EXPECT_EQ(early.size(), lead.size());
}

TEST(Segments, LiveAnswersComeAtOnceAndDoNotFlicker) {
  const std::string lead = "hhhhhhhhshhhhhhhsssssssshsssssnnnnnnnnnnh";
  const std::string live = answers(lead, 0.5, LabelSegments::Use::kLive, 0);
  EXPECT_EQ(live, "hhhhhhhhhhhhhhhhhhhssssssssssssssnnnnnnnn");
  std::string noisy;
  for (int i = 0; i < 100; ++i) noisy += i % 3 == 0 ? 's' : 'h';
  const std::string steady = answers(noisy, 1.0, LabelSegments::Use::kLive, 0);
  EXPECT_EQ(std::count(steady.begin() + 5, steady.end(), 's'), 0) << steady;
}

TEST(Segments, SteadyAnswersHaveTheLeaderFirst) {
  LabelSegments segments(kSegmentLabels, 0.5, LabelSegments::Use::kLive);
  auto frame = frame_of(0, {leads("sad", 0, 0.6F), face_at({1, 1, 2, 2}, {}, -1)});
  segments.add(frame);
  ASSERT_TRUE(segments.take(frame));
  ASSERT_TRUE(frame.faces[0].steady);
  ASSERT_EQ(frame.faces[0].steady->labels.size(), 3U);
  EXPECT_EQ(frame.faces[0].steady->top(), "sad");
  EXPECT_NEAR(frame.faces[0].steady->labels[0].probability, 0.6, 1e-6);
  EXPECT_FALSE(frame.faces[1].steady) << "a face without a track";
  EXPECT_FALSE(segments.take(frame)) << "no frame is left";
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
}  // namespace mien::pipeline
