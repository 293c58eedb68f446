#include "mien/metrics/regression.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace mien::metrics {
namespace {

TEST(Regression, MatchesHandComputedValues) {
  const std::vector<double> a = {1, 2, 3}, b = {2, 4, 9};
  const auto error = regression_error(a, b);
  ASSERT_TRUE(error.ok());
  // Sums of products: aa 2, bb 26, ab 7; means 2 and 5.
  const double pcc = 7.0 / (std::sqrt(52.0) + 1e-5);
  EXPECT_NEAR(error->pcc, pcc, 1e-12);
  EXPECT_NEAR(error->ccc,
              2 * pcc * std::sqrt(2.0 / 3) * std::sqrt(26.0 / 3) / (28.0 / 3 + 9 + 1e-5), 1e-12);
  EXPECT_NEAR(error->mae, 3.0, 1e-12);
  EXPECT_NEAR(error->mse, (1.0 + 4 + 36) / 3, 1e-12);
  EXPECT_NEAR(error->rmse, std::sqrt(41.0 / 3), 1e-12);
}

TEST(Regression, ConstantPredictionHasNoCorrelation) {
  const std::vector<double> a = {1, 1, 1}, b = {1, 2, 3};
  EXPECT_EQ(regression_error(a, b).value().pcc, 0.0);
  EXPECT_EQ(regression_error(a, b).value().ccc, 0.0);
}

TEST(Regression, BadInput) {
  const std::vector<double> one = {1}, two = {1, 2};
  const std::vector<double> inf = {std::numeric_limits<double>::infinity()};
  EXPECT_FALSE(regression_error({}, {}).ok());
  EXPECT_FALSE(regression_error(one, two).ok());
  EXPECT_FALSE(regression_error(one, inf).ok());
}

}  // namespace
}  // namespace mien::metrics
