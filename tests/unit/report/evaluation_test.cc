#include "mien/report/evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST(Evaluation, TableTellsFiguresAndAbsentClasses) {
  const std::string text = evaluation_table(report());
  EXPECT_THAT(text, HasSubstr("2 samples"));
  EXPECT_THAT(text, HasSubstr("WAR        50.00 %"));
  EXPECT_THAT(text, HasSubstr("absent          absent"));
}

TEST(Evaluation, PageIsSelfContainedAndEscapesNames) {
  const std::string page =
      evaluation_html(report(), {{"bundle", "<script>alert(1)</script>"}}, "a \"notice\"");
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;&amp;"));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(page, HasSubstr("a &quot;notice&quot;"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("http")));
}

TEST(Evaluation, PageTakesFurtherParts) {
  const std::string page = evaluation_html(report(), {}, "end", "<h2>More</h2>");
  EXPECT_LT(page.find("<h2>More</h2>"), page.find("<footer>"));
}

}  // namespace
}  // namespace mien::report
