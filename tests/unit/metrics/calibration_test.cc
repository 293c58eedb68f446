#include "mien/metrics/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "mien/core/rng.h"
#include "support/test_support.h"

namespace mien::metrics {
namespace {

TEST(Calibration, AgreesWithAGridSearch) {
  // Truths are drawn from softmax(logits / 2.5).
  Rng rng(5);
  std::vector<double> logits;
  std::vector<int> truths;
  for (int i = 0; i < 3000; ++i) {
    double row[4], total = 0;
    for (double& logit : row) {
      logit = 4 * rng.normal();
      logits.push_back(logit);
      total += std::exp(logit / 2.5);
    }
    double left = rng.uniform() * total;
    int truth = 0;
    while (truth < 3 && left > std::exp(row[truth] / 2.5)) left -= std::exp(row[truth++] / 2.5);
    truths.push_back(truth);
  }
  const auto found = fit_temperature(logits, 4, truths);
  MIEN_ASSERT_OK(found);
  EXPECT_NEAR(*found, 2.5, 0.2);
  double best = 1e9;
  for (double t = 0.5; t < 6; t += 0.01) {
    best = std::min(best, negative_log_likelihood(logits, 4, truths, t));
  }
  EXPECT_LE(negative_log_likelihood(logits, 4, truths, *found), best + 1e-9);
}

TEST(Calibration, LikelihoodOfTwoClasses) {
  const double logits[] = {0, std::log(3.0)};
  const int truth[] = {0};
  EXPECT_NEAR(negative_log_likelihood(logits, 2, truth, 1), std::log(4.0), 1e-12);
}

TEST(Calibration, ThresholdAcceptsItsShare) {
  const std::vector<double> values = {0.9, 0.1, 0.5, 0.7, 0.3, 0.8, 0.6, 0.4, 0.2, 1.0};
  EXPECT_DOUBLE_EQ(acceptance_threshold(values, 0.8).value(), 0.3);
  EXPECT_DOUBLE_EQ(acceptance_threshold(values, 1.0).value(), 0.1);
  MIEN_EXPECT_CODE(acceptance_threshold({}, 0.9), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(acceptance_threshold(values, 0), StatusCode::kInvalidArgument);
}

TEST(Calibration, RejectsMismatchedInput) {
  const double logits[] = {0, 1};
  const int outside[] = {2};
  MIEN_EXPECT_CODE(fit_temperature(logits, 2, outside), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(fit_temperature({}, 2, {}), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::metrics
