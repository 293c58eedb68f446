#include "mien/metrics/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace mien::metrics {
namespace {

TEST(Bootstrap, IntervalOfAMeanIsNearlyNormal) {
  Rng rng(3);
  std::vector<double> values(400);
  for (double& v : values) v = rng.normal();
  const auto mean = [&](std::span<const std::size_t> drawn) -> Result<double> {
    double sum = 0;
    for (const std::size_t i : drawn) sum += values[i];
    return sum / static_cast<double>(drawn.size());
  };
  const auto interval = bootstrap(values.size(), mean, rng);
  ASSERT_TRUE(interval.ok());
  EXPECT_NEAR(interval->high - interval->low, 2 * 1.96 / std::sqrt(400.0), 0.03);
}

TEST(Bootstrap, RepeatsWithTheSeed) {
  const auto first = [](std::span<const std::size_t> drawn) -> Result<double> {
    return static_cast<double>(drawn[0]);
  };
  Rng a(5), b(5);
  const auto x = bootstrap(100, first, a), y = bootstrap(100, first, b);
  ASSERT_TRUE(x.ok() && y.ok());
  EXPECT_EQ(x->low, y->low);
  EXPECT_EQ(x->high, y->high);
}

TEST(Bootstrap, OneSampleHasNoSpread) {
  Rng rng(1);
  const auto seven = [](std::span<const std::size_t>) -> Result<double> { return 7.0; };
  const auto interval = bootstrap(1, seven, rng);
  ASSERT_TRUE(interval.ok());
  EXPECT_EQ(interval->low, 7.0);
  EXPECT_EQ(interval->high, 7.0);
}

// The first part is constant, so only the second moves the sum.
TEST(Bootstrap, PartsAreResampledSeparately) {
  Rng rng(2);
  const std::vector<std::size_t> sizes = {3, 200};
  const auto figure = [&](std::span<const std::vector<std::size_t>> drawn) -> Result<double> {
    EXPECT_EQ(drawn.size(), 2U);
    EXPECT_EQ(drawn[0].size(), 3U);
    EXPECT_EQ(drawn[1].size(), 200U);
    double sum = 0;
    for (const std::size_t i : drawn[0]) EXPECT_LT(i, 3U);
    for (const std::size_t i : drawn[1]) sum += i < 100 ? 1 : 0;
    return 10 + sum / 200;
  };
  const auto interval = bootstrap_parts(sizes, figure, rng);
  ASSERT_TRUE(interval.ok());
  EXPECT_NEAR(interval->low, 10.5 - 1.96 * 0.5 / std::sqrt(200.0), 0.02);
  EXPECT_NEAR(interval->high, 10.5 + 1.96 * 0.5 / std::sqrt(200.0), 0.02);
  const std::vector<std::size_t> with_empty = {3, 0};
  EXPECT_FALSE(bootstrap_parts(with_empty, figure, rng).ok());
  EXPECT_FALSE(bootstrap_parts({}, figure, rng).ok());
}

TEST(Bootstrap, PercentilesAgreeWithNumpy) {
  const Interval ten = percentile_interval({9, 0, 8, 1, 7, 2, 6, 3, 5, 4}, 0.9);
  EXPECT_NEAR(ten.low, 0.45, 1e-12);
  EXPECT_NEAR(ten.high, 8.55, 1e-12);
  EXPECT_EQ(percentile_interval({3}).high, 3);
}

TEST(Bootstrap, BadInput) {
  Rng rng(1);
  const auto fails = [](std::span<const std::size_t>) -> Result<double> {
    return invalid_argument("figure: never");
  };
  EXPECT_FALSE(bootstrap(0, fails, rng).ok());
  EXPECT_FALSE(bootstrap(3, fails, rng, {.resamples = 0}).ok());
  EXPECT_FALSE(bootstrap(3, fails, rng, {.confidence = 1.0}).ok());
  EXPECT_EQ(bootstrap(3, fails, rng).status().message(), "figure: never");
}

}  // namespace
}  // namespace mien::metrics
