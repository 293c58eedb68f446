#include "methods/compact/sequences.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mien::methods {
namespace {

// Class c has the pictures 10 c to 10 c + 4; class 1 is neutral, class 2 has none.
SequencePictures pictures() {
  SequencePictures out;
  out.neutral = 1;
  for (int c = 0; c < 4; ++c) {
    std::vector<std::int64_t> rows;
    for (int i = 0; i < 5 && c != 2; ++i) rows.push_back(10 * c + i);
    out.of_class.push_back(rows);
  }
  return out;
}

SequenceOptions only(double SequenceOptions::*kind) {
  SequenceOptions out = {.steady = 0, .onset = 0, .pulse = 0, .neutral = 0, .interrupted = 0};
  out.glitch = 0;
  out.*kind = 1;
  return out;
}

int class_of(std::int64_t picture) { return static_cast<int>(picture / 10); }

TEST(Sequences, SteadyOnesNeverChange) {
  Rng rng(1);
  std::vector<int> seen(4);
  for (int i = 0; i < 200; ++i) {
    const Sequence s = draw_sequence(pictures(), 7, only(&SequenceOptions::steady), rng);
    ASSERT_EQ(s.frames.size(), 7U);
    ++seen[static_cast<std::size_t>(s.label)];
    for (const SequenceFrame& frame : s.frames) {
      EXPECT_EQ(class_of(frame.from), s.label);
      EXPECT_EQ(frame.from, s.frames[0].from);
      EXPECT_EQ(frame.share, 0);
    }
    EXPECT_EQ(std::count(s.shows.begin(), s.shows.end(), 1), 7);
  }
  EXPECT_EQ(seen[2], 0);
  for (const int c : {0, 1, 3}) EXPECT_GT(seen[static_cast<std::size_t>(c)], 40);
}

TEST(Sequences, OnsetsGrowFromNeutral) {
  Rng rng(2);
  for (int i = 0; i < 200; ++i) {
    const Sequence s = draw_sequence(pictures(), 12, only(&SequenceOptions::onset), rng);
    EXPECT_NE(s.label, 1);
    for (std::size_t t = 0; t < s.frames.size(); ++t) {
      EXPECT_EQ(class_of(s.frames[t].from), 1);
      EXPECT_EQ(class_of(s.frames[t].to), s.label);
      if (t > 0) {
        EXPECT_GE(s.frames[t].share, s.frames[t - 1].share);
      }
    }
    EXPECT_EQ(s.shows.back(), 1);
    EXPECT_GE(s.frames.back().share, 0.5F);
  }
}

TEST(Sequences, PulsesFadeAndFaintOnesAreNeutral) {
  Rng rng(3);
  int faded = 0;
  for (int i = 0; i < 200; ++i) {
    const Sequence s = draw_sequence(pictures(), 12, only(&SequenceOptions::pulse), rng);
    float most = 0;
    for (const SequenceFrame& frame : s.frames) most = std::max(most, frame.share);
    faded += s.frames.back().share < 0.5F * most ? 1 : 0;
    EXPECT_EQ(s.label == 1, most < 0.3F);
    EXPECT_GE(std::count(s.shows.begin(), s.shows.end(), 1), 1);
  }
  EXPECT_GT(faded, 100);
  for (int i = 0; i < 50; ++i) {
    const Sequence s = draw_sequence(pictures(), 12, only(&SequenceOptions::neutral), rng);
    EXPECT_EQ(s.label, 1);
    for (const SequenceFrame& frame : s.frames) EXPECT_LT(frame.share, 0.3F);
  }
}

TEST(Sequences, InterruptionsAreShortAndDoNotShowTheLabel) {
  Rng rng(4);
  for (int i = 0; i < 200; ++i) {
    const Sequence s = draw_sequence(pictures(), 20, only(&SequenceOptions::interrupted), rng);
    int away = 0;
    for (std::size_t t = 0; t < s.frames.size(); ++t) {
      EXPECT_EQ(class_of(s.frames[t].from), s.label);
      EXPECT_NE(class_of(s.frames[t].to), s.label);
      away += s.frames[t].share > 0 ? 1 : 0;
      EXPECT_EQ(s.shows[t] == 0, s.frames[t].share > 0);
    }
    EXPECT_LE(away, 6);
  }
}

TEST(Sequences, AGlitchIsOneFrame) {
  SequenceOptions options = only(&SequenceOptions::steady);
  options.glitch = 1;
  Rng rng(5);
  for (int i = 0; i < 50; ++i) {
    const Sequence s = draw_sequence(pictures(), 9, options, rng);
    EXPECT_EQ(std::count(s.shows.begin(), s.shows.end(), 1), 8);
  }
}

TEST(Sequences, TheSameSeedGivesTheSame) {
  Rng a(6), b(6);
  for (int i = 0; i < 20; ++i) {
    const Sequence x = draw_sequence(pictures(), 10, {}, a),
                   y = draw_sequence(pictures(), 10, {}, b);
    EXPECT_EQ(x.label, y.label);
    EXPECT_EQ(x.shows, y.shows);
    for (std::size_t t = 0; t < 10; ++t) EXPECT_EQ(x.frames[t].share, y.frames[t].share);
  }
}

}  // namespace
}  // namespace mien::methods
