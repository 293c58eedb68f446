#include "report/evaluation_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_support.h"
#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<eval::Prediction> kRows = {{"a.png", 0, {0.7, 0.2, 0.1}},
                                             {"<x>.png", 1, {0.9, 0.05, 0.05}},
                                             {"c.png", 1, {0.1, 0.6, 0.3}},
                                             {"d.png", 0, {0.4, 0.5, 0.1}}};

eval::ClosedSetReport report_of(const std::vector<eval::Prediction>& rows) {
  auto out = eval::closed_set_report({"happy", "<b>&", "absent"}, rows, {.resamples = 10});
  EXPECT_EQ(mien::test::problem_of(out), "");
  return *out;
}

TEST(EvaluationPage, ShowsFiguresCurvesAndMistakes) {
  const auto report = report_of(kRows);
  const std::string page = evaluation_page({.report = &report,
                                            .predictions = kRows,
                                            .facts = {{"command", "mien eval <x>"}},
                                            .mistakes = {{"<x>.png", "<b>&", "happy", 0.9}},
                                            .notice = "a \"notice\""});
  EXPECT_THAT(page, HasSubstr("<code>mien eval &lt;x&gt;</code>"));
  EXPECT_THAT(page, HasSubstr("WAR<b>50.00 %</b>"));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;"));
  EXPECT_THAT(page, HasSubstr("(absent)"));
  EXPECT_THAT(page, HasSubstr("aria-label=\"ROC of happy\""));
  EXPECT_THAT(page, Not(HasSubstr("aria-label=\"ROC of absent\"")));
  // One-vs-rest: of the 4 pairs the positives win 2 (0.7 over 0.1, 0.4 over 0.1).
  EXPECT_THAT(page, HasSubstr("AUROC 50.00 %"));
  EXPECT_THAT(page, HasSubstr("<td>&lt;x&gt;.png</td>"));
  EXPECT_THAT(page, HasSubstr("a &quot;notice&quot;"));
  test::expect_self_contained(page);
  for (const char* word : {"<img", "<x>"}) EXPECT_THAT(page, Not(HasSubstr(word)));
}

TEST(EvaluationPage, ImagesOnlyWhereGiven) {
  const auto report = report_of(kRows);
  const auto image = page_image(image::Image(300, 20));
  MIEN_ASSERT_OK(image);
  const std::string page = evaluation_page(
      {.report = &report,
       .predictions = kRows,
       .mistakes = {{"a", "happy", "<b>&", 0.9, *image}, {"b", "happy", "x", 0.8}}});
  EXPECT_THAT(page, HasSubstr("<img alt=\"\" src=\"data:image/jpeg;base64,"));
  EXPECT_THAT(page, HasSubstr("answer <b><bdi>x</bdi></b> 80%"));
}

TEST(EvaluationPage, SurestMistakesFirst) {
  EXPECT_THAT(surest_mistakes(kRows, 9), testing::ElementsAre(1, 3));
  EXPECT_THAT(surest_mistakes(kRows, 1), testing::ElementsAre(1));
  EXPECT_THAT(surest_mistakes({}, 9), testing::IsEmpty());
}

TEST(EvaluationPage, OneClassAndOneSample) {
  const std::vector<eval::Prediction> one = {{"a", 0, {1.0}}};
  const auto report = eval::closed_set_report({"only"}, one, {.resamples = 2});
  MIEN_ASSERT_OK(report);
  const std::string page = evaluation_page({.report = &*report, .predictions = one});
  EXPECT_THAT(page, Not(HasSubstr("ROC of")));
  EXPECT_THAT(page, Not(HasSubstr("mistakes")));
}

}  // namespace
}  // namespace mien::report
