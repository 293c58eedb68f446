#include "mien/eval/closed_set.h"

#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::eval {
namespace {

std::vector<Prediction> four() {
  return {{"a", 0, {0.7, 0.2, 0.1}},
          {"b", 0, {0.4, 0.5, 0.1}},
          {"c", 1, {0.1, 0.8, 0.1}},
          {"d", 1, {0.2, 0.3, 0.5}}};
}

TEST(ClosedSet, FiguresOfFourSamples) {
  const auto report = closed_set_report({"x", "y", "z"}, four());
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->samples, 4);
  EXPECT_DOUBLE_EQ(report->war, 50.0);
  EXPECT_DOUBLE_EQ(report->uar.percent, 50.0);
  EXPECT_DOUBLE_EQ(report->top2, 100.0);
  EXPECT_EQ(report->uar.absent, std::vector<std::size_t>{2});
  EXPECT_LE(report->war_interval.low, 50.0);
  EXPECT_GE(report->war_interval.high, 50.0);
}

TEST(ClosedSet, JsonHasNullForAbsentClasses) {
  const auto report = closed_set_report({"x", "y", "z"}, four(), {.resamples = 20});
  ASSERT_TRUE(report.ok());
  const Json json = report->to_json();
  EXPECT_TRUE(json.find("recall")->find("z")->is_null());
  EXPECT_EQ(json.find("absent")->as_array().front().as_string(), "z");
  EXPECT_EQ(json.find("confusion")->as_array()[1].as_array()[2].as_integer(), 1);
  EXPECT_EQ(json.find("n")->as_integer(), 4);
}

TEST(ClosedSet, RepeatsFromTheSeed) {
  const auto a = closed_set_report({"x", "y", "z"}, four(), {.seed = 4});
  const auto b = closed_set_report({"x", "y", "z"}, four(), {.seed = 4});
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_EQ(a->to_json().dump(), b->to_json().dump());
}

TEST(ClosedSet, EqualScoresAreTheFirstClass) {
  const Prediction tie{"t", 0, {0.5, 0.5}};
  EXPECT_EQ(tie.top(), 0u);
}

TEST(ClosedSet, BadInput) {
  EXPECT_FALSE(closed_set_report({"x"}, {}).ok());
  EXPECT_FALSE(closed_set_report({}, four()).ok());
  EXPECT_FALSE(closed_set_report({"x", "y"}, four()).ok());
  EXPECT_FALSE(closed_set_report({"x"}, {{"a", 1, {1.0}}}).ok());
}

}  // namespace
}  // namespace mien::eval
