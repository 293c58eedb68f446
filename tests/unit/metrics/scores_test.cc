#include "mien/metrics/scores.h"

#include <gtest/gtest.h>

#include <vector>

namespace mien::metrics {
namespace {

TEST(TopK, TiesCountAgainstTheTruth) {
  const std::vector<double> scores = {0.5, 0.5, 0.1};
  const std::vector<std::size_t> truth = {0};
  EXPECT_EQ(top_k_accuracy(scores, 3, truth, 1).value(), 0.0);
  EXPECT_EQ(top_k_accuracy(scores, 3, truth, 2).value(), 100.0);
  EXPECT_EQ(top_k_accuracy(scores, 3, truth, 9).value(), 100.0);
}

TEST(TopK, BadInput) {
  const std::vector<double> scores = {0.5, 0.5};
  const std::vector<std::size_t> outside = {2}, two = {0, 1};
  EXPECT_FALSE(top_k_accuracy(scores, 2, outside, 1).ok());
  EXPECT_FALSE(top_k_accuracy(scores, 2, two, 1).ok());
  EXPECT_FALSE(top_k_accuracy(scores, 2, {}, 1).ok());
  EXPECT_FALSE(top_k_accuracy(scores, 0, two, 1).ok());
}

TEST(Calibration, GapsAreWeightedBySamplesPerBin) {
  const std::vector<double> confidence = {0.9, 0.8, 0.3, 1.0};
  const std::vector<char> correct = {1, 0, 0, 1};
  const auto result = calibration(confidence, correct, 2);
  ASSERT_TRUE(result.ok());
  // Upper bin: confidence 0.9, accuracy 2/3; lower: 0.3 against 0.
  EXPECT_NEAR(result->ece_percent, 100 * (0.75 * (0.9 - 2.0 / 3) + 0.25 * 0.3), 1e-9);
  EXPECT_EQ(result->bins[1].count, 3);
  EXPECT_EQ(result->bins[0].count, 1);
}

TEST(Calibration, BinsIncludeTheirUpperEdge) {
  const std::vector<double> confidence = {0.0, 0.5, 1.0};
  const std::vector<char> correct = {0, 1, 1};
  const auto result = calibration(confidence, correct, 2);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->bins[0].count, 2);
  EXPECT_EQ(result->bins[1].count, 1);
}

TEST(Calibration, BadInput) {
  const std::vector<double> outside = {1.5}, one = {0.5};
  const std::vector<char> yes = {1};
  EXPECT_FALSE(calibration(outside, yes).ok());
  EXPECT_FALSE(calibration({}, {}).ok());
  EXPECT_FALSE(calibration(one, {}).ok());
  EXPECT_FALSE(calibration(one, yes, 0).ok());
}

}  // namespace
}  // namespace mien::metrics
