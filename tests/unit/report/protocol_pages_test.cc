#include "report/protocol_pages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_support.h"
#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using testing::HasSubstr;
using testing::Not;

const Facts kFacts = {{"command", "mien eval <x>"}, {"data hash", "12ab"}};

eval::RunResult run_of(const std::vector<std::pair<std::size_t, std::size_t>>& rows) {
  eval::RunResult out{.classes = {"happy", "<b>&", "calm"}};
  for (const auto& [truth, said] : rows) {
    eval::Prediction& row = out.predictions.emplace_back(
        eval::Prediction{.id = std::to_string(out.predictions.size()), .truth = truth});
    for (std::size_t c = 0; c < 3; ++c) row.probabilities.push_back(c == said ? 0.8 : 0.1);
    row.cosines = row.probabilities;
  }
  return out;
}

void expect_a_whole_page(const std::string& page) {
  EXPECT_THAT(page, HasSubstr("<code>mien eval &lt;x&gt;</code>"));
  EXPECT_THAT(page, HasSubstr("12ab"));
  EXPECT_THAT(page, HasSubstr("a &lt;notice&gt;"));
  EXPECT_THAT(page, HasSubstr("</html>"));
  test::expect_self_contained(page);
  for (const char* word : {"<b>&<", "<notice>", "<x>"}) EXPECT_THAT(page, Not(HasSubstr(word)));
}

TEST(ProtocolPages, Folds) {
  const auto report = eval::folds_report(
      {run_of({{0, 0}, {1, 1}, {1, 0}}), run_of({{0, 0}, {1, 1}, {2, 2}})}, {.resamples = 10});
  MIEN_ASSERT_OK(report);
  const std::string page = folds_page(*report, kFacts, "a <notice>");
  expect_a_whole_page(page);
  EXPECT_THAT(page, HasSubstr("WAR<b>83.33 %</b>"));
  EXPECT_THAT(page, HasSubstr("absent: calm"));
  // Of the three samples of the second class in both folds two were told right.
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;, answer &lt;b&gt;&amp;: 2 of 3"));
}

TEST(ProtocolPages, FoldsOfDifferentClassesHaveNoSum) {
  eval::RunResult other = run_of({{0, 0}});
  other.classes = {"x", "y", "z"};
  const auto report = eval::folds_report({run_of({{0, 0}}), other}, {.resamples = 5});
  MIEN_ASSERT_OK(report);
  EXPECT_THAT(folds_page(*report, kFacts, ""), Not(HasSubstr("Confusion over all folds")));
}

TEST(ProtocolPages, Robustness) {
  eval::Robustness robustness({.resamples = 10});
  ASSERT_TRUE(robustness.add("none", 0, run_of({{0, 0}, {1, 1}})).ok());
  for (int level = 1; level <= 2; ++level) {
    ASSERT_TRUE(robustness.add("<x>", level, run_of({{0, 0}, {1, 0}})).ok());
  }
  const auto report = robustness.finish();
  MIEN_ASSERT_OK(report);
  const std::string page = robustness_page(*report, kFacts, "a <notice>");
  expect_a_whole_page(page);
  EXPECT_THAT(page, HasSubstr("WAR on original pictures<b>100.00 %</b>"));
  EXPECT_THAT(page, HasSubstr("loss<b>50.00 %</b>"));
  EXPECT_THAT(page, HasSubstr("aria-label=\"WAR under &lt;x&gt;\""));
  EXPECT_THAT(page, HasSubstr("level 2: 50.00 %"));
}

TEST(ProtocolPages, OpenSet) {
  const eval::RunResult run = run_of({{0, 0}, {1, 1}, {0, 1}, {2, 0}, {2, 1}});
  const auto one = eval::open_set_result({{"happy", "<b>&"}, {"calm"}}, run.classes,
                                         run.predictions, 1, {.resamples = 10});
  MIEN_ASSERT_OK(one);
  const std::string page = open_set_page({*one}, kFacts, "a <notice>");
  expect_a_whole_page(page);
  EXPECT_THAT(page, HasSubstr("Acc of known<b>66.67 %</b>"));
  EXPECT_THAT(page, HasSubstr("aria-label=\"OSCR\""));
  EXPECT_THAT(page, Not(HasSubstr("Means over splits")));
  const std::string two = open_set_page({*one, *one}, kFacts, "");
  EXPECT_THAT(two, HasSubstr("Means over splits"));
  EXPECT_THAT(two, HasSubstr("<td>2, 2</td>"));
  EXPECT_THAT(two, HasSubstr("<h2>Split 2</h2>"));
}

TEST(ProtocolPages, LeftOut) {
  const eval::RunResult run = run_of({{0, 0}, {1, 1}, {0, 1}, {2, 0}});
  eval::LeftOutReport report{.classes = run.classes, .missing = {"<b>&", "calm"}};
  const auto counted = eval::count_left_out("happy", run, {.resamples = 10});
  MIEN_ASSERT_OK(counted);
  report.left_out = {*counted};
  ASSERT_TRUE(eval::fill_left_out_intervals(report, {.resamples = 10}).ok());
  const std::string page = left_out_page(report, kFacts, "a <notice>");
  expect_a_whole_page(page);
  EXPECT_THAT(page, HasSubstr("UAR<b>50.00 %</b>"));
  EXPECT_THAT(page, HasSubstr("Classes that no bundle left out: &lt;b&gt;&amp;, calm"));
  EXPECT_THAT(page, HasSubstr("happy, answer happy: 1 of 2"));
}

TEST(ProtocolPages, Groups) {
  const eval::RunResult run = run_of({{0, 0}, {1, 1}, {0, 1}});
  const auto groups =
      eval::group_report("<age>", run.classes, run.predictions,
                         {{"0", "young"}, {"1", "young"}, {"2", ""}}, {.resamples = 10});
  MIEN_ASSERT_OK(groups);
  const std::string part = groups_html(*groups);
  EXPECT_THAT(part, HasSubstr("By &lt;age&gt;"));
  EXPECT_THAT(part, HasSubstr("(none)"));
  EXPECT_THAT(part, HasSubstr("Largest difference: WAR 100.00"));
  EXPECT_THAT(part, HasSubstr("absent: &lt;b&gt;&amp;, calm"));
}

}  // namespace
}  // namespace mien::report
