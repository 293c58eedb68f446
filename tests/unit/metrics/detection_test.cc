#include "mien/metrics/detection.h"

#include <gtest/gtest.h>

#include <vector>

#include "metrics/open_set.h"
#include "support/test_support.h"

namespace mien::metrics {
namespace {

TEST(Detection, MatchesTheSpecification) {
  const std::vector<double> known = {3, 2.5, 0.9, 1, 0.6}, unknown = {1.2, 0.7, 0.5, 2.6};
  const auto rates = detection_rates({known, unknown});
  MIEN_ASSERT_OK(rates);
  EXPECT_NEAR(rates->tnr_at_95, 0, 1e-9);
  EXPECT_NEAR(rates->accuracy, 65, 1e-9);
  EXPECT_NEAR(rates->auin, 57.297619, 1e-6);
  EXPECT_NEAR(rates->auout, 49.940476, 1e-6);
}

TEST(Detection, PerfectAndBadInput) {
  std::vector<double> high;  // with 20 samples a share of 95 % is possible
  for (int i = 0; i < 20; ++i) high.push_back(2 + i);
  const std::vector<double> low = {0, 1}, none;
  const auto perfect = detection_rates({high, low});
  MIEN_ASSERT_OK(perfect);
  EXPECT_EQ(perfect->tnr_at_95, 100);
  EXPECT_EQ(perfect->accuracy, 100);
  const auto worst = detection_rates({low, high});
  MIEN_ASSERT_OK(worst);
  EXPECT_EQ(worst->tnr_at_95, 0);
  EXPECT_EQ(worst->accuracy, 50);
  MIEN_EXPECT_CODE(detection_rates({high, none}), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::metrics
