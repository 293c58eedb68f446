#include "mien/eval/regression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <fstream>

#include "engine/tiny_bundle.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

RegressionRun run_of(const std::vector<std::array<double, 2>>& rows,
                     const std::vector<std::string>& subjects = {}) {
  RegressionRun out{.targets = {{.name = "x", .range = std::pair<double, double>(1, 7)}}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.rows.push_back({.id = std::to_string(i),
                        .subject = subjects.empty() ? "" : subjects[i],
                        .truth = {rows[i][0]},
                        .said = {rows[i][1]}});
  }
  return out;
}

// Truth 2, 4, 9 and predictions 1, 2, 3: worked by hand in metrics/regression_test.cc.
TEST(RegressionReport, FiguresByHand) {
  const auto report = regression_report(run_of({{2, 1}, {4, 2}, {9, 3}}));
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->rows, 3);
  EXPECT_EQ(report->resampled, 3);
  EXPECT_FALSE(report->by_subject);
  const TargetReport& x = report->targets.at(0);
  EXPECT_NEAR(x.error.pcc, 7.0 / (std::sqrt(52.0) + 1e-5), 1e-12);
  EXPECT_NEAR(x.error.mae, 3, 1e-12);
  EXPECT_NEAR(x.error.rmse, std::sqrt(41.0 / 3), 1e-12);
  EXPECT_NEAR(report->mean.mae, 3, 1e-12);
  EXPECT_GE(x.mae.low, 1);  // the least and the largest error of one sample
  EXPECT_LE(x.mae.high, 6);
  EXPECT_LT(x.mae.low, x.mae.high);
}

TEST(RegressionReport, JsonHasAllFigures) {
  const auto report = regression_report(run_of({{2, 1}, {4, 2}, {9, 3}}), {.resamples = 20});
  ASSERT_TRUE(report.ok());
  const Json json = report->to_json();
  EXPECT_EQ(json.find("n")->as_integer(), 3);
  EXPECT_EQ(json.find("resampled_by")->as_string(), "sample");
  const Json& x = json.find("targets")->as_array()[0];
  EXPECT_EQ(x.find("range")->dump(), "[1.0,7.0]");
  for (const char* figure : {"pcc", "ccc", "mae", "rmse"}) {
    EXPECT_TRUE(x.find(figure)->is_number());
    EXPECT_EQ(x.find(std::string(figure) + "_interval")->size(), 2U);
    EXPECT_TRUE(json.find("mean")->find(figure)->is_number());
  }
}

// Rows of one subject are drawn together: with one subject every draw is the whole set.
TEST(RegressionReport, SubjectsAreDrawnWhole) {
  const std::vector<std::array<double, 2>> rows = {{2, 1}, {4, 2}, {9, 3}, {1, 5}};
  const auto one = regression_report(run_of(rows, {"s", "s", "s", "s"}));
  ASSERT_TRUE(one.ok());
  EXPECT_TRUE(one->by_subject);
  EXPECT_EQ(one->resampled, 1);
  EXPECT_DOUBLE_EQ(one->targets[0].mae.low, one->targets[0].error.mae);
  EXPECT_DOUBLE_EQ(one->targets[0].pcc.high, one->targets[0].error.pcc);
  const auto two = regression_report(run_of(rows, {"s", "s", "t", "t"}));
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two->resampled, 2);
  EXPECT_DOUBLE_EQ(two->targets[0].mae.low, 1.5);  // both draws are s
  EXPECT_DOUBLE_EQ(two->targets[0].mae.high, 5);
  const auto some = regression_report(run_of(rows, {"s", "", "t", "t"}));
  ASSERT_TRUE(some.ok());
  EXPECT_EQ(some->resampled, 4);
}

TEST(RegressionReport, BadInput) {
  EXPECT_FALSE(regression_report(run_of({})).ok());
  EXPECT_FALSE(regression_report(run_of({{1, std::nan("")}})).ok());
}

class RegressionRunTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 4; ++i) {
      image::Image picture(40, 40);
      for (auto& value : picture.pixels()) value = static_cast<std::uint8_t>(60 * i);
      const auto png = image::encode_png(picture);
      ASSERT_TRUE(png.ok());
      std::ofstream(dir_ / (std::to_string(i) + ".png"), std::ios::binary)
          .write(reinterpret_cast<const char*>(png->data()),
                 static_cast<std::streamsize>(png->size()));
    }
    options_.finder.mode = face::Mode::kWhole;
    options_.finder.landmarks = false;
  }
  std::shared_ptr<const engine::Bundle> bundle(const std::vector<std::string>& targets) {
    EXPECT_TRUE(engine::write_tiny_bundle(dir_ / "tiny",
                                          {.temporal = true, .targets = targets, .overwrite = true})
                    .ok());
    return *engine::Bundle::load(dir_ / "tiny");
  }
  data::Manifest manifest(std::string_view csv, std::vector<std::string> targets) {
    std::ofstream(dir_ / "m.csv") << csv;
    auto out = data::load_manifest(dir_ / "m.csv", {.targets = std::move(targets)});
    EXPECT_TRUE(out.ok()) << out.status().message();
    return *out;
  }

  test::TempDir dir_;
  RunOptions options_;
};

TEST_F(RegressionRunTest, RowsKeepTruthAndSubject) {
  const auto from = bundle({"x", "y"});
  const auto run = run_regression(
      from,
      manifest("path,x,y,subject,sequence\n0.png,1,2,s,\n1.png,3,4,t,q\n2.png,3,4,t,q\n",
               {"x", "y"}),
      options_);
  ASSERT_TRUE(run.ok()) << run.status().message();
  ASSERT_EQ(run->rows.size(), 2U);
  EXPECT_EQ(run->rows[1].id, "q");
  EXPECT_EQ(run->rows[1].subject, "t");
  EXPECT_THAT(run->rows[1].truth, ElementsAre(3, 4));
  EXPECT_EQ(run->rows[1].said.size(), 2U);
  // A sample alone says the same as in a batch.
  const auto alone = run_regression(from, manifest("path,x,y\n0.png,0,0\n", {"x", "y"}), options_);
  ASSERT_TRUE(alone.ok());
  EXPECT_NEAR(alone->rows[0].said[1], run->rows[0].said[1], 1e-5);
}

TEST_F(RegressionRunTest, SamplesOfAnInterviewAreAveraged) {
  const data::Manifest rows = manifest(
      "path,x,subject,interview\n0.png,1,s,i\n1.png,3,s,i\n2.png,5,t,j\n3.png,6,t,\n", {"x"});
  const auto run = run_regression(bundle({"x"}), rows, options_);
  ASSERT_TRUE(run.ok());
  const auto mean = average_rows(*run, rows, "interview");
  ASSERT_TRUE(mean.ok()) << mean.status().message();
  ASSERT_EQ(mean->rows.size(), 3U);
  EXPECT_EQ(mean->rows[0].id, "i");
  EXPECT_THAT(mean->rows[0].truth, ElementsAre(2));
  EXPECT_NEAR(mean->rows[0].said[0], (run->rows[0].said[0] + run->rows[1].said[0]) / 2, 1e-9);
  EXPECT_EQ(mean->rows[2].id, "3.png");
  EXPECT_EQ(average_rows(*run, rows, "subject")->rows.size(), 2U);
  EXPECT_THAT(test::problem_of(average_rows(*run, rows, "room")),
              HasSubstr("no sample has a value in column 'room'"));
}

TEST_F(RegressionRunTest, BadInput) {
  const data::Manifest one = manifest("path,x\n0.png,1\n", {"x"});
  ASSERT_TRUE(engine::write_tiny_bundle(dir_ / "plain").ok());
  EXPECT_EQ(test::code_of(run_regression(*engine::Bundle::load(dir_ / "plain"), one, options_)),
            StatusCode::kUnsupported);
  EXPECT_THAT(test::problem_of(run_regression(bundle({"x", "y"}), one, options_)),
              HasSubstr("1 targets (expected 2, as the bundle has)"));
  std::filesystem::resize_file(dir_ / "0.png", 30);
  EXPECT_EQ(test::code_of(run_regression(bundle({"x"}), one, options_)), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace mien::eval
