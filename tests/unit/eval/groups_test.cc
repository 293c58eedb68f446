#include "eval/groups.h"

#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::eval {
namespace {

const std::vector<Prediction> kRows = {
    {"1", 0, {0.9, 0.1}}, {"2", 1, {0.2, 0.8}}, {"3", 0, {0.1, 0.9}}, {"4", 0, {0.8, 0.2}}};

TEST(Groups, FiguresPerGroupAndTheirGap) {
  const auto report =
      group_report("age", {"a", "b"}, kRows,
                   {{"1", "old"}, {"2", "old"}, {"3", "young"}, {"4", "young"}}, {.resamples = 10});
  MIEN_ASSERT_OK(report);
  ASSERT_EQ(report->groups.size(), 2U);
  EXPECT_EQ(report->groups[0].value, "old");
  EXPECT_EQ(report->groups[0].report.war, 100);
  EXPECT_EQ(report->groups[1].report.war, 50);
  // "young" has no sample of b: absent, not a recall of zero.
  EXPECT_EQ(report->groups[1].report.uar.percent, 50);
  EXPECT_EQ(report->groups[1].report.uar.absent.size(), 1U);
  EXPECT_EQ(report->war_gap(), 50);
  EXPECT_EQ(report->uar_gap(), 50);
  const Json json = report->to_json();
  EXPECT_EQ(json.find("groups")->as_array()[1].find("absent")->as_array()[0].as_string(), "b");
}

TEST(Groups, SamplesWithoutAValueAreAGroup) {
  const auto report = group_report("age", {"a", "b"}, kRows, {{"1", "old"}}, {.resamples = 5});
  MIEN_ASSERT_OK(report);
  EXPECT_EQ(report->groups[0].value, "");
  EXPECT_EQ(report->groups[0].report.samples, 3);
}

TEST(Groups, ColumnsOfAManifest) {
  data::Manifest manifest{
      .name = "m", .samples = {{.id = "1", .subject = "S", .extra = {{"age", "9"}}}, {.id = "2"}}};
  EXPECT_EQ(group_of_samples(manifest, "age")->at("1"), "9");
  EXPECT_EQ(group_of_samples(manifest, "age")->at("2"), "");
  EXPECT_EQ(group_of_samples(manifest, "subject")->at("1"), "S");
  MIEN_EXPECT_CODE(group_of_samples(manifest, "split"), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(group_of_samples(manifest, "x"), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::eval
