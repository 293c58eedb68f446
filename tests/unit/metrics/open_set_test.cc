#include "metrics/open_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace mien::metrics {
namespace {

// The vectors of the HESP specification: largest class scores, and whether the argmax is right.
const std::vector<double> kKnown = {3, 2.5, 0.9, 1, 0.6};
const std::vector<char> kCorrect = {1, 1, 1, 0, 1};
const std::vector<double> kUnknown = {1.2, 0.7, 0.5, 2.6};

TEST(OpenSet, MatchesTheSpecification) {
  const OpenSetScores scores{kKnown, kUnknown};
  EXPECT_NEAR(auroc(scores).value(), 60.0, 1e-9);
  EXPECT_NEAR(auroc_strict(scores).value(), 60.0, 1e-9);
  EXPECT_NEAR(oscr(scores, kCorrect).value(), 0.50, 1e-9);
  EXPECT_NEAR(oscr_code(scores, kCorrect).value(), 0.40, 1e-9);
}

TEST(OpenSet, CurveAreaEqualsTheFigure) {
  const std::vector<double> known = {3, 2.5, .9, 1, .6}, unknown = {1.2, .7, .5, 2.6};
  const std::vector<char> correct = {1, 0, 1, 0, 1};
  const OpenSetScores some{known, unknown};
  const auto curve = oscr_curve(some, correct);
  ASSERT_TRUE(curve.ok());
  EXPECT_EQ(curve->size(), 10U);
  EXPECT_EQ(curve->front().false_positive, 0);
  EXPECT_EQ(curve->back().false_positive, 1);
  EXPECT_NEAR(curve->back().true_positive, 0.6, 1e-12);
  EXPECT_NEAR(area_under(*curve), 100 * oscr(some, correct).value(), 1e-9);
  EXPECT_FALSE(oscr_curve(some, {}).ok());
}

TEST(OpenSet, TiesCountNothingInTheStrictVariantAndHalfInTheRankStatistic) {
  const std::vector<double> known = {1, 0.5}, unknown = {1, 0.2};
  EXPECT_NEAR(auroc_strict({known, unknown}).value(), 50.0, 1e-9);
  EXPECT_NEAR(auroc({known, unknown}).value(), 62.5, 1e-9);
}

TEST(OpenSet, PerfectAndWorst) {
  const std::vector<double> high = {2, 3}, low = {0, 1};
  const std::vector<char> right = {1, 1};
  EXPECT_EQ(auroc({high, low}).value(), 100.0);
  EXPECT_EQ(auroc({low, high}).value(), 0.0);
  EXPECT_EQ(aupr({high, low}).value(), 100.0);
  EXPECT_EQ(fpr_at_tpr({high, low}).value(), 0.0);
  EXPECT_EQ(fpr_at_tpr({low, high}).value(), 100.0);
  EXPECT_EQ(oscr({high, low}, right).value(), 1.0);
}

TEST(OpenSet, BadInput) {
  const std::vector<double> some = {1}, none;
  const std::vector<double> nan = {std::numeric_limits<double>::quiet_NaN()};
  const std::vector<char> two = {1, 1};
  EXPECT_FALSE(auroc({some, none}).ok());
  EXPECT_FALSE(aupr({none, some}).ok());
  EXPECT_FALSE(fpr_at_tpr({some, nan}).ok());
  EXPECT_FALSE(fpr_at_tpr({some, some}, 0).ok());
  EXPECT_FALSE(oscr({some, some}, two).ok());
  EXPECT_FALSE(oscr_code({nan, some}, {}).ok());
}

}  // namespace
}  // namespace mien::metrics
