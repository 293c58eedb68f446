#include "mien/eval/open_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "metrics/open_set.h"
#include "support/test_support.h"
#include "unit/eval/interval_golden.h"

namespace mien::eval {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kMafw = {"anger",   "disgust",      "fear",          "happiness",
                                        "neutral", "sadness",      "surprise",      "contempt",
                                        "anxiety", "helplessness", "disappointment"};

data::Manifest manifest_of(const std::vector<int>& counts) {
  data::Manifest out{.name = "mafw", .classes = kMafw};
  for (std::size_t c = 0; c < counts.size(); ++c) {
    for (int i = 0; i < counts[c]; ++i)
      out.samples.push_back({.id = "x", .labels = {static_cast<int>(c)}});
  }
  return out;
}

TEST(OpenSet, SelfCheckSizesOfTheSpecification) {
  // Counts of HESP's MAFW lists: train 4088, validation 1022 clips.
  const auto train = manifest_of({357, 261, 156, 871, 910, 499, 411, 101, 348, 124, 50});
  const auto val = manifest_of({89, 65, 39, 218, 228, 125, 102, 25, 87, 31, 13});
  ASSERT_EQ(train.samples.size(), 4088U);
  ASSERT_EQ(val.samples.size(), 1022U);
  struct Expected {
    std::size_t split;
    std::int64_t train, closed, open;
  };
  const auto splits = hesp_splits("mafw");
  ASSERT_EQ(splits.size(), 20U);
  for (const Expected& e : {Expected{19, 2331, 582, 440}, Expected{8, 2609, 652, 370},
                            Expected{2, 467, 117, 905}, Expected{0, 960, 240, 782}}) {
    EXPECT_EQ(open_set_sizes(splits[e.split], train)->known, e.train);
    const auto test = open_set_sizes(splits[e.split], val);
    MIEN_ASSERT_OK(test);
    EXPECT_EQ(test->known, e.closed);
    EXPECT_EQ(test->unknown, e.open);
  }
  // Every split shares the validation clips out.
  for (const OpenSetSplit& split : splits) {
    const auto sizes = open_set_sizes(split, val);
    EXPECT_EQ(sizes->known + sizes->unknown, 1022);
  }
}

TEST(OpenSet, ListsHaveFourGroupsOfFive) {
  for (const char* name : {"afew", "mafw", "dfew"}) {
    const auto splits = hesp_splits(name);
    ASSERT_EQ(splits.size(), 20U) << name;
    std::set<std::vector<std::string>> different;
    for (std::size_t i = 0; i < 20; ++i) {
      different.insert(splits[i].known);
      EXPECT_EQ(splits[i].known.size(), splits[i - i % 5].known.size());
      EXPECT_EQ(splits[i].known.size() + splits[i].unknown.size(), name[0] == 'm' ? 11U : 7U);
    }
    EXPECT_EQ(different.size(), 20U) << name;
  }
  EXPECT_THAT(hesp_splits("afew")[0].known, testing::ElementsAre("happiness", "sadness"));
  EXPECT_THAT(hesp_splits("dfew")[0].known, testing::ElementsAre("sadness", "fear"));
  EXPECT_EQ(hesp_splits("ourdata")[0].unknown.size(), 4U);
  EXPECT_THAT(hesp_splits("multidata")[0].unknown, testing::ElementsAre("other"));
  EXPECT_TRUE(hesp_splits("none").empty());
}

// The vectors of the HESP specification as cosines; scale 1 keeps them what they are.
std::vector<Prediction> vectors() {
  const std::vector<std::vector<double>> known = {
      {3, 1, 0}, {2, 2.5, 0}, {.5, .4, .9}, {1, .2, .1}, {.3, .6, .2}};
  const std::vector<std::size_t> labels = {0, 1, 2, 2, 1};
  const std::vector<std::vector<double>> unknown = {
      {1.2, 0, 0}, {.1, .7, .2}, {.5, .4, .3}, {.2, .1, 2.6}};
  std::vector<Prediction> out;
  for (std::size_t i = 0; i < known.size(); ++i) {
    out.push_back({.id = "k", .truth = labels[i], .probabilities = {}, .cosines = known[i]});
  }
  for (const auto& row : unknown) {
    out.push_back({.id = "u", .truth = 3, .probabilities = {}, .cosines = row});
  }
  for (Prediction& row : out) row.cosines.push_back(9);  // of the unknown class, never asked for
  return out;
}

TEST(OpenSet, VectorsOfTheSpecification) {
  const auto got = open_set_result({{"a", "b", "c"}, {"d"}}, {"a", "b", "c", "d"}, vectors(), 1.0);
  MIEN_ASSERT_OK(got);
  EXPECT_NEAR(got->acc, 80, 1e-9);
  const OpenSetFigures& f = got->scores.at(OpenSetScore::kMaxCosine);
  EXPECT_NEAR(f.auroc, 60, 1e-9);
  EXPECT_NEAR(f.auroc_strict, 60, 1e-9);
  EXPECT_NEAR(f.oscr, 50, 1e-9);
  EXPECT_NEAR(f.oscr_code, 40, 1e-9);
  EXPECT_NEAR(f.code.auin, 57.297619, 1e-6);
  EXPECT_NEAR(f.code.tnr_at_95, 0, 1e-9);
  const Json json = got->to_json();
  EXPECT_EQ(json.find("n_unknown")->as_integer(), 4);
  EXPECT_NE(json.find("scores")->find("energy"), nullptr);
}

TEST(OpenSet, AgreesWithScikitLearnAndNumpy) {
  const Json json = interval_golden();
  const Json& golden = *json.find("open_set");
  std::vector<Prediction> rows;
  const auto& truth = golden.find("truth")->as_array();
  for (std::size_t i = 0; i < truth.size(); ++i) {
    Prediction& row = rows.emplace_back(Prediction{.id = "x", .truth = index(truth[i])});
    for (const Json& v : golden.find("logits")->as_array()[i].as_array()) {
      row.cosines.push_back(v.as_number());
    }
    row.cosines.push_back(9);  // of the unknown class
  }
  const auto got = open_set_result({{"a", "b", "c"}, {"d"}}, {"a", "b", "c", "d"}, rows, 1.0,
                                   {.resamples = 5000});
  MIEN_ASSERT_OK(got);
  EXPECT_NEAR(got->acc, golden.find("acc")->as_number(), 1e-9);
  EXPECT_NEAR(got->uar.percent, golden.find("uar")->as_number(), 1e-9);
  expect_interval(got->acc_interval, *golden.find("acc_interval"), 0.9);
  expect_interval(got->uar_interval, *golden.find("uar_interval"), 0.9);
  for (const OpenSetScore score :
       {OpenSetScore::kMaxSoftmax, OpenSetScore::kEnergy, OpenSetScore::kMaxCosine}) {
    SCOPED_TRACE(to_string(score));
    const Json& figures = *golden.find("scores")->find(std::string(to_string(score)));
    const OpenSetFigures& ours = got->scores.at(score);
    EXPECT_NEAR(ours.auroc, figures.find("auroc")->as_number(), 1e-9);
    EXPECT_NEAR(ours.oscr, figures.find("oscr")->as_number(), 1e-9);
    expect_interval(ours.auroc_interval, *figures.find("auroc_interval"), 0.6);
    expect_interval(ours.oscr_interval, *figures.find("oscr_interval"), 0.6);
    const OpenSetCurves& curves = got->curves.at(score);
    EXPECT_NEAR(metrics::area_under(curves.roc), ours.auroc, 1e-9);
    EXPECT_GE(metrics::area_under(curves.oscr) + 1e-9, ours.oscr);  // equal ones count half
    EXPECT_NEAR(curves.oscr.back().true_positive, got->acc / 100, 1e-12);
  }
}

TEST(OpenSet, SoftmaxAndEnergyAreOverTheKnownAlone) {
  const std::vector<Prediction> rows = {{.id = "1", .truth = 0, .cosines = {0.3, 0.1, 0.9}},
                                        {.id = "2", .truth = 2, .cosines = {0.2, 0.2, 0.9}}};
  const auto got = open_set_result({{"a", "b"}, {"c"}}, {"a", "b", "c"}, rows, 10.0);
  MIEN_ASSERT_OK(got);
  // Known: softmax of (3, 1) is 0.88; unknown: 0.5. Energy: 3.127 over 2.693.
  for (const auto& [score, figures] : got->scores)
    EXPECT_EQ(figures.auroc, 100) << to_string(score);
}

TEST(OpenSet, OutlierWordsAreThoseThatNoKnownClassMeans) {
  const OutlierWords words{
      .words = {"glad", "bored", "furious", "proud"},
      .similarity = {{0.9, 0.1, 0.2}, {0.2, 0.3, 0.1}, {0.1, 0.2, 0.8}, {0.6, 0.0, 0.0}},
      .rows = {1, 0, 0, 1, 0.6F, 0.8F, -1, 0}};
  const std::vector<std::size_t> both = {0, 1}, last = {2};
  EXPECT_THAT(choose_outliers(words, both), testing::ElementsAre(2, 1));  // 0.2 and 0.3
  EXPECT_THAT(choose_outliers(words, last), testing::ElementsAre(3, 1));
  const std::vector<float> unit = {0.6F, 0.8F};
  const std::vector<double> cosines = words.cosines(unit);
  ASSERT_EQ(cosines.size(), 4U);
  EXPECT_NEAR(cosines[2], 1, 1e-6);
  EXPECT_NEAR(cosines[3], -0.6, 1e-6);
  // log(e^3 + e^1) - log(e^10 + e^8), the words being 2 and 1 at scale 10.
  const std::vector<double> logits = {3, 1};
  EXPECT_NEAR(outlier_score(logits, cosines, std::vector<std::size_t>{2, 1}, 10),
              std::log(std::exp(3) + std::exp(1)) - std::log(std::exp(10) + std::exp(8)), 1e-5);

  std::vector<Prediction> rows = {{.id = "1", .truth = 0, .cosines = {0.3, 0.1, 0.9}},
                                  {.id = "2", .truth = 2, .cosines = {0.3, 0.1, 0.9}}};
  rows[0].outliers = {0.1, 0.1, 0.1, 0.1};
  rows[1].outliers = {0.1, 0.1, 0.5,
                      0.1};  // like the known one, but near a word outside of the labels
  const auto got = open_set_result({{"a", "b"}, {"c"}}, {"a", "b", "c"}, rows, 10.0, {}, words);
  MIEN_ASSERT_OK(got);
  EXPECT_EQ(got->scores.at(OpenSetScore::kOutliers).auroc, 100);
  EXPECT_EQ(got->scores.at(OpenSetScore::kEnergy).auroc, 50);
  const auto without = open_set_result({{"a", "b"}, {"c"}}, {"a", "b", "c"}, rows, 10.0);
  MIEN_ASSERT_OK(without);
  EXPECT_FALSE(without->scores.contains(OpenSetScore::kOutliers));
}

TEST(OpenSet, MeansAreOverEquallyManyKnownClasses) {
  OpenSetResult a, b, c;
  a.split.known = {"a", "b"};
  b.split.known = {"a", "c"};
  c.split.known = {"a", "b", "c"};
  a.acc = 40;
  b.acc = 60;
  c.acc = 90;
  a.scores[OpenSetScore::kEnergy].oscr = 10;
  b.scores[OpenSetScore::kEnergy].oscr = 30;
  const Json means = open_set_means({a, b, c});
  ASSERT_EQ(means.size(), 2U);
  EXPECT_EQ(means.as_array()[0].find("acc")->as_number(), 50);
  EXPECT_EQ(means.as_array()[0].find("scores")->find("energy")->find("oscr")->as_number(), 20);
  EXPECT_EQ(means.as_array()[1].find("splits")->as_integer(), 1);
}

TEST(OpenSet, BadInput) {
  const std::vector<std::string> classes = {"a", "b", "c", "d"};
  const auto rows = vectors();
  EXPECT_THAT(open_set_result({{"x"}, {"d"}}, classes, rows, 1).status().message(),
              HasSubstr("the data has no class 'x'"));
  EXPECT_THAT(open_set_result({{"a", "a"}, {"d"}}, classes, rows, 1).status().message(),
              HasSubstr("duplicate class 'a'"));
  MIEN_EXPECT_CODE(open_set_result({{}, {"d"}}, classes, rows, 1), StatusCode::kInvalidArgument);
  EXPECT_THAT(open_set_result({{"a"}, {}}, classes, rows, 1).status().message(),
              HasSubstr("and 0 of unknown classes"));
  const std::vector<Prediction> bare = {{.id = "1", .truth = 0, .probabilities = {1, 0, 0, 0}}};
  EXPECT_THAT(open_set_result({{"a"}, {"b"}}, classes, bare, 1).status().message(),
              HasSubstr("has no cosines"));
}

}  // namespace
}  // namespace mien::eval
