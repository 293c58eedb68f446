#include "mien/metrics/roc.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/file.h"
#include "metrics/open_set.h"
#include "mien/core/json.h"
#include "support/test_support.h"

namespace mien::metrics {
namespace {

TEST(Roc, AgreesWithScikitLearn) {
  const Json json = *Json::parse(*read_text_file(mien::test::golden("paired.json"), 1 << 20));
  for (const Json& each : json.find("roc")->as_array()) {
    std::vector<double> scores;
    std::vector<char> positive;
    for (const Json& v : each.find("scores")->as_array()) scores.push_back(v.as_number());
    for (const Json& v : each.find("positive")->as_array()) {
      positive.push_back(v.as_integer() != 0 ? 1 : 0);
    }
    const auto curve = roc_curve(scores, positive);
    MIEN_ASSERT_OK(curve);
    EXPECT_NEAR(area_under(*curve), each.find("area")->as_number(), 1e-9);
    // scikit-learn may keep points on a line; ours are a subset.
    const auto& fpr = each.find("fpr")->as_array();
    const auto& tpr = each.find("tpr")->as_array();
    for (const RocPoint& point : *curve) {
      bool found = false;
      for (std::size_t i = 0; i < fpr.size(); ++i) {
        found = found || (std::abs(fpr[i].as_number() - point.false_positive) < 1e-12 &&
                          std::abs(tpr[i].as_number() - point.true_positive) < 1e-12);
      }
      EXPECT_TRUE(found) << point.false_positive << ' ' << point.true_positive;
    }
  }
}

TEST(Roc, StartsAndEndsInTheCorners) {
  const std::vector<double> scores = {0.9, 0.8, 0.7, 0.1};
  const std::vector<char> positive = {1, 1, 0, 0};
  const auto curve = roc_curve(scores, positive);
  MIEN_ASSERT_OK(curve);
  ASSERT_EQ(curve->size(), 3U);
  EXPECT_EQ((*curve)[1].true_positive, 1.0);
  EXPECT_EQ((*curve)[1].false_positive, 0.0);
  EXPECT_EQ(area_under(*curve), 100.0);
}

TEST(Roc, BadInput) {
  const std::vector<double> two = {1, 2};
  const std::vector<char> same = {1, 1}, one = {1}, both = {1, 0};
  MIEN_EXPECT_CODE(roc_curve(two, same), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(roc_curve(two, one), StatusCode::kInvalidArgument);
  const std::vector<double> nan = {1, std::numeric_limits<double>::quiet_NaN()};
  MIEN_EXPECT_CODE(roc_curve(nan, both), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(roc_curve({}, {}), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::metrics
