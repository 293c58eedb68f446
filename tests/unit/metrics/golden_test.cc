// Figures of scikit-learn and scipy (scripts/make_metric_golden.py).
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/file.h"
#include "metrics/open_set.h"
#include "mien/core/json.h"
#include "mien/metrics/confusion.h"
#include "mien/metrics/regression.h"
#include "mien/metrics/scores.h"
#include "support/test_support.h"

namespace mien::metrics {
namespace {

constexpr double kTolerance = 1e-9;

Json golden() {
  const auto text = read_text_file(test::golden("metrics.json"), 1 << 20);
  EXPECT_TRUE(text.ok());
  auto json = Json::parse(*text);
  EXPECT_TRUE(json.ok());
  return *json;
}

std::vector<double> numbers(const Json& json) {
  std::vector<double> out;
  for (const Json& value : json.as_array()) out.push_back(value.as_number());
  return out;
}

double number(const Json& json, const char* key) { return json.find(key)->as_number(); }

TEST(MetricsGolden, ClosedSet) {
  const Json json = golden();
  const Json& closed = *json.find("closed");
  const auto truth = numbers(*closed.find("truth"));
  const auto prediction = numbers(*closed.find("prediction"));
  ConfusionMatrix counts(5);
  std::vector<std::size_t> classes;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    classes.push_back(static_cast<std::size_t>(truth[i]));
    counts.add(classes.back(), static_cast<std::size_t>(prediction[i]));
  }
  EXPECT_NEAR(weighted_average_recall(counts).value(), number(closed, "war"), kTolerance);
  const auto uar = unweighted_average_recall(counts).value();
  EXPECT_NEAR(uar.percent, number(closed, "uar"), kTolerance);
  const auto recall = numbers(*closed.find("recall"));
  for (std::size_t c = 0; c < 5; ++c) EXPECT_NEAR(*uar.per_class[c], recall[c], kTolerance);
  EXPECT_NEAR(macro_f1(counts).value().percent, number(closed, "macro_f1"), kTolerance);
  EXPECT_NEAR(top_k_accuracy(numbers(*closed.find("scores")), 5, classes, 2).value(),
              number(closed, "top2"), kTolerance);
}

TEST(MetricsGolden, OpenSet) {
  const Json json = golden();
  for (const Json& open : json.find("open")->as_array()) {
    const auto known = numbers(*open.find("known"));
    const auto unknown = numbers(*open.find("unknown"));
    const OpenSetScores scores{known, unknown};
    EXPECT_NEAR(auroc(scores).value(), number(open, "auroc"), kTolerance);
    EXPECT_NEAR(aupr(scores).value(), number(open, "aupr"), kTolerance);
    EXPECT_NEAR(fpr_at_tpr(scores).value(), number(open, "fpr95"), kTolerance);
  }
}

TEST(MetricsGolden, Regression) {
  const Json json = golden();
  const Json& regression = *json.find("regression");
  const auto error =
      regression_error(numbers(*regression.find("prediction")), numbers(*regression.find("truth")));
  ASSERT_TRUE(error.ok());
  // The published form has 1e-5 in the denominator.
  EXPECT_NEAR(error->pcc, number(regression, "pearson"), 1e-5);
  EXPECT_NEAR(error->mae, number(regression, "mae"), kTolerance);
  EXPECT_NEAR(error->rmse, number(regression, "rmse"), kTolerance);
}

}  // namespace
}  // namespace mien::metrics
