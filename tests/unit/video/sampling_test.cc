#include "mien/video/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

#include "support/test_support.h"

namespace mien::video {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

// The published text of the rule, literally, on the positions of the kept frames.
FrameIndices emoclip_by_the_book(std::int64_t kept, std::int64_t start, std::int64_t n) {
  FrameIndices out;
  if (start + n < kept) {
    for (std::int64_t i = start; i < start + n; ++i) out.push_back(i);
    return out;
  }
  for (std::int64_t i = start; i < kept; ++i) out.push_back(i);
  for (std::int64_t i = 0; i < std::min(start + n - kept, kept); ++i) out.push_back(i);
  const auto m = static_cast<std::int64_t>(out.size());
  std::int64_t at = m - 1;
  std::int64_t step = -1;
  while (static_cast<std::int64_t>(out.size()) < n) {
    at += step;
    out.push_back(out[static_cast<std::size_t>(at)]);
    if (at == 0) step = 1;
    if (at == m - 1) step = -1;
  }
  return out;
}

FrameIndices times(FrameIndices indices, std::int64_t factor) {
  for (auto& index : indices) index *= factor;
  return indices;
}

TEST(SampleEmoclip, MatchesTheDefinitionForEveryLengthAndStart) {
  for (std::int64_t kept = 1; kept <= 70; ++kept) {
    std::vector<bool> seen(static_cast<std::size_t>(kept), false);
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      Rng draw(seed);
      const auto start = static_cast<std::int64_t>(draw.below(static_cast<std::uint64_t>(kept)));
      seen[static_cast<std::size_t>(start)] = true;
      for (const int stride : {1, 2, 4}) {
        Rng rng(seed);
        const auto indices = sample_strided_window((kept - 1) * stride + 1, 32, stride, &rng);
        MIEN_ASSERT_OK(indices);
        ASSERT_EQ(indices->size(), 32U);
        ASSERT_EQ(*indices, times(emoclip_by_the_book(kept, start, 32), stride))
            << kept << ' ' << start << ' ' << stride;
      }
    }
    if (kept <= 16) {
      EXPECT_THAT(seen, Each(true)) << "starts not all drawn for " << kept;
    }
  }
}

TEST(SampleEmoclip, DeterministicModeStartsAtZero) {
  for (std::int64_t total = 1; total <= 300; ++total) {
    for (const int stride : {1, 2, 3, 4, 5}) {
      const auto indices = sample_strided_window(total, 32, stride, nullptr);
      MIEN_ASSERT_OK(indices);
      const std::int64_t kept = (total + stride - 1) / stride;
      ASSERT_EQ(*indices, times(emoclip_by_the_book(kept, 0, 32), stride)) << total;
      for (const auto index : *indices) ASSERT_TRUE(index >= 0 && index < total);
    }
  }
}

TEST(SampleEmoclip, HandComputedSeamAndReflection) {
  // Three kept frames and a window of 8 from 0: 0 1 2 | 0 1 2 | reflection of those six.
  EXPECT_THAT(*sample_strided_window(3, 8, 1, nullptr), ElementsAre(0, 1, 2, 0, 1, 2, 1, 0));
  // A single frame occurs twice, and then bounces between the two.
  EXPECT_THAT(*sample_strided_window(1, 5, 4, nullptr), Each(0));
  // Seam only: five of nine frames kept (every second), window of 6.
  EXPECT_THAT(*sample_strided_window(9, 6, 2, nullptr), ElementsAre(0, 2, 4, 6, 8, 0));
  EXPECT_THAT(*sample_strided_window(100, 4, 4, nullptr), ElementsAre(0, 4, 8, 12));
}

TEST(SampleCovering, OneWindowStartsAtZero) {
  const SamplingSpec spec{SamplingRule::kStridedWindow, 32, 4};
  for (std::int64_t total = 1; total <= 128; ++total) {
    const auto windows = sample_covering(spec, total);
    ASSERT_TRUE(windows.ok());
    ASSERT_EQ(windows->size(), 1U) << total;
    EXPECT_EQ(windows->front(), *sample_strided_window(total, 32, 4, nullptr)) << total;
  }
}

TEST(SampleCovering, WindowsReachEveryKeptFrame) {
  const SamplingSpec spec{SamplingRule::kStridedWindow, 8, 3};
  for (std::int64_t total = 25; total <= 8 * 3 * kMaxWindows; ++total) {
    const auto windows = sample_covering(spec, total);
    ASSERT_TRUE(windows.ok());
    std::set<std::int64_t> seen;
    for (const FrameIndices& window : *windows) {
      ASSERT_EQ(window.size(), 8U);
      for (std::size_t i = 1; i < 8; ++i) ASSERT_EQ(window[i], window[i - 1] + 3);
      seen.insert(window.begin(), window.end());
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>((total + 2) / 3)) << total;
    EXPECT_LT(*seen.rbegin(), total);
  }
}

TEST(SampleCovering, NumberOfWindowsIsBounded) {
  const SamplingSpec spec{SamplingRule::kStridedWindow, 32, 4};
  for (const std::int64_t total :
       {std::int64_t{100'000}, std::numeric_limits<std::int64_t>::max()}) {
    const auto windows = sample_covering(spec, total);
    ASSERT_TRUE(windows.ok());
    ASSERT_EQ(windows->size(), static_cast<std::size_t>(kMaxWindows));
    EXPECT_EQ(windows->front().front(), 0);
    EXPECT_GT(windows->back().back(), total - 5);
    EXPECT_LT(windows->back().back(), total);
  }
}

TEST(SampleCovering, OtherRulesUseTheirTestingSample) {
  const SamplingSpec spec{SamplingRule::kUniform, 16, 1};
  const auto windows = sample_covering(spec, 500);
  ASSERT_TRUE(windows.ok());
  ASSERT_EQ(windows->size(), 1U);
  EXPECT_EQ(windows->front(), *sample_uniform(500, 16));
  EXPECT_FALSE(sample_covering(spec, 0).ok());
  EXPECT_FALSE(sample_covering({SamplingRule::kStridedWindow, 32, 0}, 5).ok());
}

TEST(SampleDferClip, TestRule) {
  // N = 20: t = 1.25, floor(0.625 + 1.25 i).
  EXPECT_THAT(*sample_centres_or_hold(20, 16),
              ElementsAre(0, 1, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16, 18, 19));
  // N = 17: t = 1.0625, floor(0.53125 + 1.0625 i).
  EXPECT_THAT(*sample_centres_or_hold(17, 16),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16));
  EXPECT_THAT(*sample_centres_or_hold(16, 16),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  EXPECT_THAT(*sample_centres_or_hold(3, 16),
              ElementsAre(0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2));
  EXPECT_THAT(*sample_centres_or_hold(1, 4), ElementsAre(0, 0, 0, 0));
}

TEST(SampleDferClip, IntegerArithmeticEqualsThePublishedFloatForm) {
  for (const int frames : {8, 16}) {
    for (std::int64_t total = frames + 1; total < 2000; ++total) {
      const double tick = static_cast<double>(total) / frames;
      FrameIndices expected;
      for (int i = 0; i < frames; ++i) {
        expected.push_back(static_cast<std::int64_t>(std::floor(tick / 2.0 + tick * i)));
      }
      ASSERT_THAT(*sample_centres_or_hold(total, frames), ElementsAreArray(expected)) << total;
    }
  }
}

TEST(SampleDferClip, TrainingDrawsOnePerSegmentAndNeverTheRemainder) {
  Rng rng(7);
  std::vector<int> drawn(50, 0);
  for (int round = 0; round < 2000; ++round) {
    const auto indices = sample_segments_or_hold(50, 16, rng);  // d = 3, frames 48 and 49 are left
    MIEN_ASSERT_OK(indices);
    for (int i = 0; i < 16; ++i) {
      const auto index = (*indices)[static_cast<std::size_t>(i)];
      ASSERT_TRUE(index >= 3 * i && index < 3 * i + 3);
      ++drawn[static_cast<std::size_t>(index)];
    }
  }
  for (int i = 0; i < 48; ++i) EXPECT_GT(drawn[static_cast<std::size_t>(i)], 500) << i;
  EXPECT_EQ(drawn[48] + drawn[49], 0);
  EXPECT_THAT(*sample_segments_or_hold(16, 16, rng),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  EXPECT_THAT(*sample_segments_or_hold(2, 4, rng), ElementsAre(0, 1, 1, 1));
}

TEST(SampleExpClip, ShortClipsRepeatTheFirstFrame) {
  EXPECT_THAT(*sample_centres_or_first(16, 16), Each(0));
  EXPECT_THAT(*sample_centres_or_first(9, 16), Each(0));
  EXPECT_EQ(*sample_centres_or_first(17, 16), *sample_centres_or_hold(17, 16));
}

TEST(SampleCliper, TrainAndTest) {
  Rng rng(1);
  EXPECT_THAT(*sample_segments_or_first(15, 16, rng), Each(0));
  EXPECT_EQ(*sample_segments_or_first(31, 16, rng), *sample_centres_or_hold(16, 16));  // a = 1
  EXPECT_THAT(*sample_centres_or_first(16, 16), Each(0));
  // N = 40: tick = 2.5, floor(1.25 + 2.5 i).
  EXPECT_THAT(*sample_centres_or_first(40, 16),
              ElementsAre(1, 3, 6, 8, 11, 13, 16, 18, 21, 23, 26, 28, 31, 33, 36, 38));
}

TEST(SampleHesp, EightFramesDifferBetweenTrainingAndTest) {
  Rng rng(1);
  EXPECT_THAT(*sample_segments_or_first(8, 8, rng), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(*sample_centres_or_first(8, 8), Each(0));
  EXPECT_THAT(*sample_segments_or_first(7, 8, rng), Each(0));
  // N = 12: tick = 1.5, floor(0.75 + 1.5 i).
  EXPECT_THAT(*sample_centres_or_first(12, 8), ElementsAre(0, 2, 3, 5, 6, 8, 9, 11));
}

TEST(SampleUniform, CentresOfEqualParts) {
  EXPECT_THAT(*sample_uniform(10, 1), ElementsAre(5));
  EXPECT_THAT(*sample_uniform(10, 5), ElementsAre(1, 3, 5, 7, 9));
  EXPECT_THAT(*sample_uniform(2, 4), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(*sample_uniform(1, 3), Each(0));
}

TEST(Sampling, HugeCountsDoNotOverflow) {
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  Rng rng(3);
  for (const auto& indices :
       {sample_uniform(kHuge, 4096), sample_segments_or_hold(kHuge, 4096, rng),
        sample_strided_window(kHuge, 4096, 1000, &rng),
        sample_strided_window(kHuge, 32, 1, nullptr)}) {
    MIEN_ASSERT_OK(indices);
    for (const auto index : *indices) ASSERT_TRUE(index >= 0 && index < kHuge);
  }
}

TEST(Sampling, NoFramesAndBadCountsAreErrors) {
  Rng rng(1);
  for (const std::int64_t total : {std::int64_t{0}, std::int64_t{-5}}) {
    MIEN_EXPECT_CODE(sample_uniform(total, 16), StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(sample_strided_window(total, 32, 4, &rng), StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(sample_segments_or_hold(total, 16, rng), StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(sample_centres_or_hold(total, 16), StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(sample_centres_or_first(total, 16), StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(sample_segments_or_first(total, 16, rng), StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(sample_centres_or_first(total, 16), StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(sample_segments_or_first(total, 8, rng), StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(sample_centres_or_first(total, 8), StatusCode::kInvalidArgument);
  }
  MIEN_EXPECT_CODE(sample_uniform(10, 0), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(sample_uniform(10, 5000), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(sample_strided_window(10, 8, 0, nullptr), StatusCode::kInvalidArgument);
}

TEST(Sampling, SameSeedGivesTheSameIndices) {
  Rng a(42);
  Rng b(42);
  EXPECT_EQ(*sample_segments_or_hold(321, 16, a), *sample_segments_or_hold(321, 16, b));
}

TEST(SamplingSpec, RoundTripsThroughJson) {
  for (const SamplingRule rule :
       {SamplingRule::kUniform, SamplingRule::kStridedWindow, SamplingRule::kSegmentsOrHold,
        SamplingRule::kCentresOrFirst, SamplingRule::kSegmentsOrFirst,
        SamplingRule::kEightSegmentsOrFirst}) {
    const SamplingSpec spec{rule, 24, rule == SamplingRule::kStridedWindow ? 4 : 1};
    const auto json = Json::parse(spec.to_json().dump());
    MIEN_ASSERT_OK(json);
    const auto again = SamplingSpec::parse(*json, "bundle.json");
    MIEN_ASSERT_OK(again);
    EXPECT_EQ(*again, spec);
  }
  EXPECT_EQ((SamplingSpec{SamplingRule::kSegmentsOrHold, 16, 1}).to_json().dump(),
            R"({"rule":"dfer_clip","frames":16,"stride":1})");
}

TEST(SamplingSpec, EveryKindOfBadJsonIsNamed) {
  const auto problem = [](const char* text) {
    return mien::test::problem_of(SamplingSpec::parse(*Json::parse(text), "bundle.json"));
  };
  EXPECT_THAT(problem(R"({"frames":16,"stride":1})"), HasSubstr("corrupt: bundle.json"));
  EXPECT_THAT(problem(R"({"rule":"uniform","stride":1})"), HasSubstr("frames"));
  EXPECT_THAT(problem(R"({"rule":"uniform","frames":16})"), HasSubstr("stride"));
  EXPECT_THAT(problem(R"({"rule":"often","frames":16,"stride":1})"), HasSubstr("'often'"));
  EXPECT_THAT(problem(R"({"rule":"uniform","frames":"16","stride":1})"), HasSubstr("corrupt"));
  EXPECT_THAT(problem(R"({"rule":"uniform","frames":16,"stride":1,"x":0})"), HasSubstr("x"));
  EXPECT_THAT(problem(R"({"rule":"uniform","frames":16,"stride":2})"), HasSubstr("stride"));
  EXPECT_THAT(problem(R"({"rule":"uniform","frames":0,"stride":1})"), HasSubstr("got 0"));
  EXPECT_THAT(problem(R"({"rule":"uniform","frames":4294967312,"stride":1})"),
              HasSubstr("out of range"));
  EXPECT_THAT(problem("[]"), HasSubstr("corrupt"));
}

TEST(SamplingSpec, SampleDispatches) {
  Rng rng(5);
  constexpr auto kTest = SamplingPhase::kTest;
  constexpr auto kTrain = SamplingPhase::kTrain;
  EXPECT_EQ(*sample({SamplingRule::kStridedWindow, 32, 4}, 99, kTest, nullptr),
            *sample_strided_window(99, 32, 4, nullptr));
  EXPECT_EQ(*sample({SamplingRule::kUniform, 5, 1}, 99, kTrain, nullptr), *sample_uniform(99, 5));
  EXPECT_EQ(*sample({SamplingRule::kSegmentsOrHold, 16, 1}, 5, kTest, nullptr),
            *sample_centres_or_hold(5, 16));
  EXPECT_EQ(*sample({SamplingRule::kSegmentsOrHold, 16, 1}, 5, kTrain, &rng),
            *sample_centres_or_hold(5, 16));
  EXPECT_THAT(*sample({SamplingRule::kCentresOrFirst, 16, 1}, 5, kTest, nullptr), Each(0));
  EXPECT_THAT(*sample({SamplingRule::kEightSegmentsOrFirst, 8, 1}, 8, kTest, nullptr), Each(0));
  EXPECT_THAT(*sample({SamplingRule::kEightSegmentsOrFirst, 8, 1}, 8, kTrain, &rng),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  MIEN_EXPECT_CODE(sample({SamplingRule::kCentresOrFirst, 16, 1}, 50, kTrain, &rng),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(sample({SamplingRule::kSegmentsOrFirst, 0, 1}, 50, kTest, nullptr),
                   StatusCode::kInvalidArgument);
  EXPECT_THROW((void)sample({SamplingRule::kSegmentsOrFirst, 16, 1}, 50, kTrain, nullptr),
               ContractError);
}

}  // namespace
}  // namespace mien::video
