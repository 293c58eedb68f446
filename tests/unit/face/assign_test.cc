#include "face/assign.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mien::face {
namespace {

using Partners = std::vector<int>;

TEST(Assign, NothingToPair) {
  EXPECT_EQ(assign(0, {}), Partners{});
  EXPECT_EQ(assign(2, {}), (Partners{-1, -1}));
}

TEST(Assign, MaximisesTheSumNotTheBestPair) {
  // Greedily, 0 would take 0 and 1 would stay alone.
  const std::vector<Pair> pairs{{0, 0, 0.9F}, {0, 1, 0.8F}, {1, 0, 0.7F}};
  EXPECT_EQ(assign(2, pairs), (Partners{1, 0}));
}

TEST(Assign, OneGoodPairBeatsTwoPoorOnes) {
  const std::vector<Pair> pairs{{0, 0, 0.9F}, {0, 1, 0.3F}, {1, 0, 0.3F}};
  EXPECT_EQ(assign(2, pairs), (Partners{0, -1}));
}

TEST(Assign, UnequalSides) {
  EXPECT_EQ(assign(3, std::vector<Pair>{{0, 0, 0.2F}, {1, 0, 0.5F}, {2, 0, 0.4F}}),
            (Partners{-1, 0, -1}));
  EXPECT_EQ(assign(1, std::vector<Pair>{{0, 4, 0.2F}, {0, 7, 0.5F}, {0, 9, 0.4F}}), Partners{7});
}

TEST(Assign, GroupsDoNotMix) {
  const std::vector<Pair> pairs{{3, 8, 0.1F}, {0, 2, 0.5F}, {1, 2, 0.6F}, {1, 5, 0.2F}};
  EXPECT_EQ(assign(4, pairs), (Partners{2, 5, -1, 8}));
}

TEST(Assign, AgreesWithBruteForce) {
  std::uint32_t state = 1;
  const auto draw = [&] {
    return static_cast<float>((state = state * 1664525U + 1013904223U) >> 8) / 16777216.0F;
  };
  for (int round = 0; round < 200; ++round) {
    constexpr std::size_t kSide = 5;
    std::vector<Pair> pairs;
    float gain[kSide][kSide] = {};
    for (std::size_t i = 0; i < kSide; ++i) {
      for (std::size_t j = 0; j < kSide; ++j) {
        if (draw() < 0.4F) continue;
        gain[i][j] = draw() + 1e-3F;
        pairs.push_back({i, j, gain[i][j]});
      }
    }
    std::vector<std::size_t> order{0, 1, 2, 3, 4};
    float best = 0;
    do {
      float sum = 0;
      for (std::size_t i = 0; i < kSide; ++i) sum += gain[i][order[i]];
      best = std::max(best, sum);
    } while (std::next_permutation(order.begin(), order.end()));
    float sum = 0;
    std::vector<bool> taken(kSide, false);
    const Partners partners = assign(kSide, pairs);
    for (std::size_t i = 0; i < kSide; ++i) {
      if (partners[i] < 0) continue;
      const auto j = static_cast<std::size_t>(partners[i]);
      EXPECT_FALSE(taken[j]);
      taken[j] = true;
      EXPECT_GT(gain[i][j], 0);
      sum += gain[i][j];
    }
    ASSERT_NEAR(sum, best, 1e-5F) << round;
  }
}

TEST(Assign, HugeCrowdIsPairedByTheLargestGain) {
  constexpr std::size_t kSide = 300;
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < kSide; ++i) {
    for (std::size_t j = 0; j < kSide; ++j) {
      pairs.push_back({i, j, i == j ? 0.9F : 0.1F});
    }
  }
  const Partners partners = assign(kSide, pairs);
  for (std::size_t i = 0; i < kSide; ++i) ASSERT_EQ(partners[i], static_cast<int>(i));
}

}  // namespace
}  // namespace mien::face
