#include "report/evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using testing::HasSubstr;
using testing::Not;

eval::ClosedSetReport report() {
  auto out = eval::closed_set_report({"happy", "<b>&", "absent"},
                                     {{"a", 0, {0.7, 0.2, 0.1}}, {"b", 1, {0.6, 0.3, 0.1}}},
                                     {.resamples = 10});
  EXPECT_TRUE(out.ok());
  return *out;
}

TEST(Evaluation, TableShowsFiguresAndAbsentClasses) {
  const std::string text = evaluation_table(report());
  EXPECT_THAT(text, HasSubstr("2 samples"));
  EXPECT_THAT(text, HasSubstr("WAR        50.00 %"));
  EXPECT_THAT(text, HasSubstr("absent          absent"));
}

eval::RegressionRun regression() {
  eval::RegressionRun out{
      .targets = {{.name = "flat<i>", .range = std::pair<double, double>(1, 7)}, {.name = "odd"}}};
  for (int i = 0; i < 4; ++i) {
    out.rows.push_back({.id = "clip \"" + std::to_string(i) + "\"",
                        .truth = {1.0 + i, 5.0},
                        .said = {1.5 + i, 5.0}});
  }
  return out;
}

TEST(Evaluation, RegressionTableShowsFiguresAndIntervals) {
  const auto report = eval::regression_report(regression());
  ASSERT_TRUE(report.ok());
  const std::string text = regression_table(*report);
  EXPECT_THAT(text, HasSubstr("4 samples"));
  EXPECT_THAT(text, HasSubstr("0.500 (0.500 to 0.500)"));  // every error is a half
  EXPECT_THAT(text, HasSubstr("bootstrap over 4 samples"));
}

TEST(Evaluation, RegressionPageHasAPlotPerTargetAndEscapesNames) {
  const eval::RegressionRun run = regression();
  const auto report = eval::regression_report(run);
  ASSERT_TRUE(report.ok());
  const std::string page = regression_html(*report, run, {{"bundle", "b"}}, "two\nlines");
  EXPECT_EQ(test::count_of("<svg", page), 2U);
  EXPECT_EQ(test::count_of("<circle", page), 8U);
  EXPECT_THAT(page, HasSubstr("flat&lt;i&gt;"));
  EXPECT_THAT(page, HasSubstr("1 to 7"));
  EXPECT_THAT(page, HasSubstr("<footer><p>two\nlines</p></footer>"));
  EXPECT_THAT(page, HasSubstr("clip &quot;0&quot;"));
  test::expect_self_contained(page);
  EXPECT_THAT(page, Not(HasSubstr("nan")));  // a target that is the same everywhere has a scale too
}

}  // namespace
}  // namespace mien::report
