#include "eval/left_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/tiny_bundle.h"
#include "support/test_support.h"
#include "unit/eval/interval_golden.h"

namespace mien::eval {
namespace {

using testing::HasSubstr;

// UAR is the mean of the recalls, WAR weighs them by their samples.
TEST(LeftOut, Figures) {
  RunResult a{.classes = {"a", "b", "c"},
              .predictions = {{.id = "1", .truth = 0, .probabilities = {0.6, 0.4, 0}},
                              {.id = "4", .truth = 0, .probabilities = {0.1, 0.2, 0.7}},
                              {.id = "5", .truth = 0, .probabilities = {0.9, 0.1, 0}},
                              {.id = "6", .truth = 0, .probabilities = {0.2, 0.8, 0}}}};
  RunResult b{.classes = a.classes,
              .predictions = {{.id = "2", .truth = 1, .probabilities = {0, 1, 0}}}};
  const auto of_a = count_left_out("a", a), of_b = count_left_out("b", b);
  ASSERT_TRUE(of_a.ok() && of_b.ok());
  LeftOutReport report{.classes = a.classes, .left_out = {*of_a, *of_b}, .missing = {"c"}};
  EXPECT_DOUBLE_EQ(report.uar(), 75);
  EXPECT_DOUBLE_EQ(report.war(), 60);
  EXPECT_FALSE(report.auroc());
  MIEN_ASSERT_OK(fill_left_out_intervals(report));
  EXPECT_EQ(report.to_json().dump(),
            R"({"war":60.0,"war_interval":[20.0,100.0],"uar":75.0,"uar_interval":[50.0,100.0],)"
            R"("auroc":null,"n":5,"recall":{"a":50.0,"b":100.0},)"
            R"("recall_intervals":{"a":[0.0,100.0],"b":[100.0,100.0]},)"
            R"("samples":{"a":4,"b":1},"answers":{"a":{"a":2,"b":1,"c":1},)"
            R"("b":{"a":0,"b":1,"c":0}},"aurocs":{"a":null,"b":null},)"
            R"("auroc_intervals":{"a":null,"b":null},)"
            R"("known_war":{"a":null,"b":null},"missing":["c"]})");
}

// Outlier words judge as in the open set, with the class that was left out as the unknown one.
TEST(LeftOut, OutlierWordsDetectTheUnknown) {
  RunResult run{.classes = {"a", "b", "c"}};
  run.outliers.words = {"x", "y"};
  run.outliers.similarity = {{0.1, 0, 0}, {0.9, 0, 0}};  // y is too near to a
  const auto add = [&](std::size_t truth, std::vector<double> cosines, double x) {
    Prediction& row = run.predictions.emplace_back(Prediction{.id = "s", .truth = truth});
    row.probabilities = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    row.cosines = std::move(cosines);
    row.outliers = {x, 0};
  };
  add(0, {0.9, 0, 0}, 0.1);
  add(1, {0, 0.9, 0}, 0.3);
  add(2, {0.2, 0.8, 0}, 0.9);  // like b, and more like x
  add(2, {0.7, 0, 0}, 0.0);    // taken for a known one
  const auto counted = count_left_out("c", run, {}, 10);
  MIEN_ASSERT_OK(counted);
  ASSERT_TRUE(counted->outlier_auroc);
  EXPECT_DOUBLE_EQ(*counted->outlier_auroc, 75);  // 8, 6 against -1 and 7
  const LeftOutReport report{.classes = run.classes, .left_out = {*counted}};
  EXPECT_DOUBLE_EQ(*report.outlier_auroc(), 75);
  EXPECT_DOUBLE_EQ(report.to_json().find("outlier_aurocs")->find("c")->as_number(), 75);
}

TEST(LeftOut, AgreesWithScikitLearnAndNumpy) {
  const Json json = interval_golden();
  const Json& golden = *json.find("left_out");
  const auto& truth = golden.find("truth")->as_array();
  LeftOutReport report{.classes = {"a", "b", "c"}};
  for (const Json& item : golden.find("classes")->as_array()) {
    RunResult run{.classes = report.classes};
    for (std::size_t i = 0; i < truth.size(); ++i) {
      Prediction& row =
          run.predictions.emplace_back(Prediction{.id = "x", .truth = index(truth[i])});
      for (const Json& share : item.find("shares")->as_array()[i].as_array()) {
        row.probabilities.push_back(share.as_number());
      }
    }
    auto counted = count_left_out(report.classes[report.left_out.size()], run, {.resamples = 5000});
    MIEN_ASSERT_OK(counted);
    EXPECT_NEAR(counted->recall(), item.find("recall")->as_number(), 1e-9);
    ASSERT_TRUE(counted->auroc);
    EXPECT_NEAR(*counted->auroc, item.find("auroc")->as_number(), 1e-9);
    // Recalls come in steps of one sample, 2.5 points.
    expect_interval(counted->recall_interval, *item.find("recall_interval"), 2.6);
    expect_interval(counted->auroc_interval, *item.find("auroc_interval"), 0.8);
    report.left_out.push_back(std::move(*counted));
  }
  MIEN_ASSERT_OK(fill_left_out_intervals(report, {.resamples = 5000}));
  EXPECT_NEAR(report.war(), golden.find("war")->as_number(), 1e-9);
  EXPECT_NEAR(report.uar(), golden.find("uar")->as_number(), 1e-9);
  expect_interval(report.war_interval, *golden.find("war_interval"), 0.7);
  expect_interval(report.uar_interval, *golden.find("uar_interval"), 0.7);
}

// Without class a the largest shares are: samples of a 0.8, 0.6; others 0.9, 0.7, 0.5. Of the six
// pairs 3 are in order.
TEST(LeftOut, UnknownIsDetectedByTheOtherClasses) {
  const RunResult run{.classes = {"a", "b", "c"},
                      .predictions = {{.id = "1", .truth = 0, .probabilities = {0.5, 0.4, 0.1}},
                                      {.id = "2", .truth = 0, .probabilities = {0, 0.6, 0.4}},
                                      {.id = "3", .truth = 1, .probabilities = {0, 0.9, 0.1}},
                                      {.id = "4", .truth = 2, .probabilities = {0.5, 0.15, 0.35}},
                                      {.id = "5", .truth = 2, .probabilities = {0, 0.5, 0.5}}}};
  const auto counted = count_left_out("a", run);
  ASSERT_TRUE(counted.ok());
  EXPECT_EQ(counted->samples, 2);
  EXPECT_EQ(counted->known_samples, 3);
  EXPECT_EQ(counted->known_correct, 1);
  ASSERT_TRUE(counted->auroc);
  EXPECT_NEAR(*counted->auroc, 100.0 * 3 / 6, 1e-9);
  EXPECT_THAT(test::problem_of(count_left_out("x", run)), HasSubstr("not in the data"));
  RunResult without = run;
  without.predictions.erase(without.predictions.begin(), without.predictions.begin() + 2);
  EXPECT_THAT(test::problem_of(count_left_out("a", without)), HasSubstr("has no sample"));
}

TEST(LeftOut, TheBundleMustNameItsClass) {
  const test::TempDir dir;
  ASSERT_TRUE(engine::write_tiny_bundle(dir / "tiny").ok());
  const auto bundle = engine::Bundle::load(dir / "tiny");
  ASSERT_TRUE(bundle.ok());
  EXPECT_THAT(test::problem_of(left_out_class(**bundle)), HasSubstr("does not say which class"));
}

}  // namespace
}  // namespace mien::eval
