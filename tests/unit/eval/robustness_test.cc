#include "eval/robustness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/eval/interval_golden.h"

namespace mien::eval {
namespace {

using testing::HasSubstr;

RunResult robustness_run(const std::vector<int>& right) {
  RunResult out{.classes = {"a", "b"}};
  for (std::size_t i = 0; i < right.size(); ++i) {
    out.predictions.push_back(
        prediction_of(std::to_string(i), i % 2, (i + (right[i] ? 0 : 1)) % 2, 2));
  }
  return out;
}

TEST(Robustness, AgreesWithNumpy) {
  const Json json = interval_golden();
  const Json& golden = *json.find("robustness");
  Robustness robustness({.resamples = 5000});
  int level = 0;
  for (const Json& row : golden.find("right")->as_array()) {
    std::vector<int> right;
    for (const Json& one : row.as_array()) right.push_back(static_cast<int>(one.as_integer()));
    ASSERT_TRUE(robustness.add(level == 0 ? "none" : "blur", level, robustness_run(right)).ok());
    ++level;
  }
  const auto report = robustness.finish();
  MIEN_ASSERT_OK(report);
  EXPECT_NEAR(report->war, golden.find("war")->as_number(), 1e-9);
  EXPECT_NEAR(report->corrupted_war, golden.find("corrupted")->as_number(), 1e-9);
  EXPECT_NEAR(report->drop, golden.find("drop")->as_number(), 1e-9);
  expect_interval(report->corrupted_war_interval, *golden.find("corrupted_interval"), 0.7);
  expect_interval(report->drop_interval, *golden.find("drop_interval"), 0.7);
  EXPECT_EQ(report->runs.size(), 4U);
  EXPECT_EQ(report->to_json().find("runs")->as_array()[2].find("level")->as_integer(), 2);
}

// The same samples are drawn in all runs, so a loss that every sample shares has no spread.
TEST(Robustness, RunsArePaired) {
  Robustness robustness;
  ASSERT_TRUE(robustness.add("none", 0, robustness_run({1, 1, 0, 0, 1, 0})).ok());
  ASSERT_TRUE(robustness.add("jpeg", 1, robustness_run({1, 1, 0, 0, 1, 0})).ok());
  EXPECT_EQ(robustness.last().corruption, "jpeg");
  const auto report = robustness.finish();
  MIEN_ASSERT_OK(report);
  EXPECT_DOUBLE_EQ(report->drop, 0);
  EXPECT_DOUBLE_EQ(report->drop_interval.low, 0);
  EXPECT_DOUBLE_EQ(report->drop_interval.high, 0);
  EXPECT_LT(report->corrupted_war_interval.low, 50);
}

TEST(Robustness, BadInput) {
  Robustness robustness;
  ASSERT_TRUE(robustness.add("none", 0, robustness_run({1, 1})).ok());
  EXPECT_THAT(robustness.add("blur", 1, robustness_run({1})).message(),
              HasSubstr("blur 1: 1 samples"));
  RunResult other = robustness_run({1, 1});
  other.predictions[1].id = std::string(1, 'x');
  EXPECT_THAT(robustness.add("blur", 1, other).message(), HasSubstr("sample 'x' (expected '1'"));
  EXPECT_THAT(test::problem_of(robustness.finish()), HasSubstr("no corrupted run"));
  EXPECT_THAT(Robustness().add("none", 0, robustness_run({})).message(), HasSubstr("0 samples"));
}

}  // namespace
}  // namespace mien::eval
