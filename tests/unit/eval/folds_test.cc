#include "eval/folds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/eval/interval_golden.h"

namespace mien::eval {
namespace {

using testing::HasSubstr;

RunResult fold_of(const std::vector<std::pair<std::size_t, std::size_t>>& rows) {
  RunResult out{.classes = {"a", "b", "c"}};
  for (const auto& [truth, said] : rows) {
    out.predictions.push_back(
        prediction_of(std::to_string(out.predictions.size()), truth, said, 3));
  }
  return out;
}

TEST(Folds, AgreesWithScikitLearnAndNumpy) {
  const Json json = interval_golden();
  const Json& golden = *json.find("folds");
  std::vector<RunResult> folds;
  for (const Json& fold : golden.find("folds")->as_array()) {
    RunResult& out = folds.emplace_back(RunResult{.classes = {"a", "b", "c", "d"}});
    const auto& truth = fold.find("truth")->as_array();
    for (std::size_t i = 0; i < truth.size(); ++i) {
      out.predictions.push_back(prediction_of(std::to_string(i), index(truth[i]),
                                              index(fold.find("said")->as_array()[i]), 4));
    }
  }
  const auto report = folds_report(folds, {.resamples = 5000});
  MIEN_ASSERT_OK(report);
  EXPECT_NEAR(report->war, golden.find("war")->as_number(), 1e-9);
  EXPECT_NEAR(report->uar, golden.find("uar")->as_number(), 1e-9);
  expect_interval(report->war_interval, *golden.find("war_interval"), 0.6);
  expect_interval(report->uar_interval, *golden.find("uar_interval"), 0.6);
  ASSERT_EQ(report->folds.size(), 3U);
  EXPECT_EQ(report->folds[1].samples, 90);
}

// The plain mean: a small fold counts as much as a large one. Where every sample of a fold is alike
// there is nothing to draw: mixing the folds would give an interval.
TEST(Folds, AreNeitherWeighedNorMixed) {
  const auto report = folds_report(
      {fold_of({{0, 0}, {1, 1}, {1, 1}, {0, 0}}), fold_of({{0, 1}, {0, 1}})}, {.resamples = 200});
  MIEN_ASSERT_OK(report);
  EXPECT_DOUBLE_EQ(report->war, 50);
  EXPECT_DOUBLE_EQ(report->uar, 50);
  EXPECT_DOUBLE_EQ(report->war_interval.low, 50);
  EXPECT_DOUBLE_EQ(report->war_interval.high, 50);
  EXPECT_DOUBLE_EQ(report->uar_interval.high, 50);
  const Json json = report->to_json();
  const Json& second = json.find("folds")->as_array()[1];
  EXPECT_EQ(second.find("fold")->as_integer(), 2);
  EXPECT_EQ(second.find("absent")->size(), 2U);
  EXPECT_EQ(json.find("war_interval")->as_array()[0].as_number(), 50);
}

TEST(Folds, RepeatFromTheSeed) {
  const std::vector<RunResult> folds = {fold_of({{0, 0}, {1, 0}, {2, 2}}),
                                        fold_of({{1, 1}, {2, 0}})};
  const auto a = folds_report(folds, {.resamples = 50}), b = folds_report(folds, {.resamples = 50});
  MIEN_ASSERT_OK(a);
  EXPECT_EQ(a->to_json().dump(), b->to_json().dump());
}

TEST(Folds, BadInput) {
  EXPECT_THAT(test::problem_of(folds_report({})), HasSubstr("expected at least one"));
  EXPECT_THAT(test::problem_of(folds_report({fold_of({{0, 0}}), fold_of({})})),
              HasSubstr("0 samples"));
}

}  // namespace
}  // namespace mien::eval
