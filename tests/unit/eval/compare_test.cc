#include "eval/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/file.h"
#include "support/test_support.h"

namespace mien::eval {
namespace {

using mien::test::TempDir;
using testing::HasSubstr;

Answers from_golden(const Json& paired, const char* which, std::vector<std::string> classes) {
  Answers out{.name = which, .classes = std::move(classes), .predictions = {}};
  const auto& truth = paired.find("truth")->as_array();
  const auto& said = paired.find(which)->as_array();
  for (std::size_t i = 0; i < truth.size(); ++i) {
    Prediction row{.id = "s" + std::to_string(i), .probabilities = std::vector<double>(4, 0.1)};
    const auto index_of = [&](std::int64_t label) {  // "0".."3" wherever they stand
      const std::string name = std::to_string(label);
      return static_cast<std::size_t>(std::find(out.classes.begin(), out.classes.end(), name) -
                                      out.classes.begin());
    };
    row.truth = index_of(truth[i].as_integer());
    row.probabilities[index_of(said[i].as_integer())] = 0.7;
    out.predictions.push_back(std::move(row));
  }
  return out;
}

// Figures of scipy and scikit-learn (scripts/make_paired_golden.py).
TEST(Compare, AgreesWithTheGolden) {
  const Json json = *Json::parse(*read_text_file(mien::test::golden("paired.json"), 1 << 20));
  const Json& paired = *json.find("paired");
  const Answers first = from_golden(paired, "first", {"0", "1", "2", "3"});
  Answers second = from_golden(paired, "second", {"2", "0", "3", "1"});  // another order
  std::reverse(second.predictions.begin(), second.predictions.end());
  const auto got = compare_answers(first, second);
  MIEN_ASSERT_OK(got);
  EXPECT_EQ(got->samples, 300);
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(got->war[i], paired.find("war")->as_array()[i].as_number(), 1e-9);
    EXPECT_NEAR(got->uar[i], paired.find("uar")->as_array()[i].as_number(), 1e-9);
  }
  EXPECT_EQ(got->only_first_right, paired.find("only_first")->as_integer());
  EXPECT_EQ(got->only_second_right, paired.find("only_second")->as_integer());
  EXPECT_EQ(got->both_right + got->only_first_right + got->only_second_right + got->both_wrong,
            300);
  EXPECT_NEAR(got->mcnemar_p, paired.find("mcnemar")->as_number(), 1e-12);
  EXPECT_NEAR(got->war_difference.difference, got->war[0] - got->war[1], 1e-9);
  EXPECT_NEAR(got->war_difference.interval.low,
              paired.find("war_interval")->as_array()[0].as_number(), 0.7);
  EXPECT_NEAR(got->uar_difference.interval.high,
              paired.find("uar_interval")->as_array()[1].as_number(), 0.7);
  EXPECT_EQ(got->to_json().find("n")->as_integer(), 300);
}

Answers two_samples() {
  return {.name = "x",
          .classes = {"a", "b"},
          .predictions = {{"1", 0, {0.9, 0.1}}, {"2", 1, {0.8, 0.2}}}};
}

TEST(Compare, OnlyCommonSamplesCount) {
  Answers other = two_samples();
  other.predictions[0].id = "9";
  const auto got = compare_answers(two_samples(), other);
  MIEN_ASSERT_OK(got);
  EXPECT_EQ(got->samples, 1);
  EXPECT_EQ(got->only_in_first, 1);
  EXPECT_EQ(got->only_in_second, 1);
  other.predictions[1].id = "8";
  MIEN_EXPECT_CODE(compare_answers(two_samples(), other), StatusCode::kInvalidArgument);
}

TEST(Compare, RefusesOtherTruthsAndClasses) {
  Answers other = two_samples();
  other.predictions[1].truth = 0;
  const auto truth = compare_answers(two_samples(), other);
  EXPECT_THAT(truth.status().message(), HasSubstr("sample '2': b in x but a in x"));
  other.classes = {"a", "c"};
  EXPECT_THAT(compare_answers(two_samples(), other).status().message(),
              HasSubstr("different classes (a, b; a, c)"));
}

TEST(Answers, ReadBackFromJsonAndCsv) {
  const TempDir dir;
  Json out = Json::object();
  const Answers source = two_samples();
  out.set("classes", Json::Array{"a", "b"});
  out.set("samples", samples_to_json(source.classes, source.predictions));
  std::ofstream(dir / "a.json") << out.dump() << '\n';
  std::ofstream(dir / "a.csv") << "id,truth,prediction,p_a,p_b\n\"1\",a,a,0.9,0.1\n2,b,a,0.8,0.2\n";
  for (const char* name : {"a.json", "a.csv"}) {
    const auto got = load_answers(dir / name);
    MIEN_ASSERT_OK(got);
    EXPECT_EQ(got->classes, source.classes);
    ASSERT_EQ(got->predictions.size(), 2U);
    EXPECT_EQ(got->predictions[1].id, "2");
    EXPECT_EQ(got->predictions[1].truth, 1U);
    EXPECT_EQ(got->predictions[1].top(), 0U);
  }
}

TEST(Answers, DamageIsReported) {
  const TempDir dir;
  const auto problem = [&](const std::string& text) {
    std::ofstream(dir / "x") << text;
    return mien::test::problem_of(load_answers(dir / "x"));
  };
  EXPECT_THAT(problem("{\"war\": 3}"), HasSubstr("has no samples (expected the output of"));
  EXPECT_THAT(problem("{\"classes\": [1], \"samples\": []}"), HasSubstr("a class is not a string"));
  EXPECT_THAT(problem("{\"classes\": [\"a\"], \"samples\": [{\"id\": \"1\", \"truth\": \"b\"}]}"),
              HasSubstr("sample 1: class 'b' is not in the list of classes of the file"));
  EXPECT_THAT(
      problem(
          "{\"classes\": [\"a\"], \"samples\": [{\"id\": \"1\", \"truth\": \"a\", \"p\": [7]}]}"),
      HasSubstr("probabilities of '1' (expected 1 numbers in 0..1)"));
  EXPECT_THAT(problem("{broken"), HasSubstr("corrupt"));
  EXPECT_THAT(problem("id,truth\n1,a\n"), HasSubstr("x:1: columns id, truth (expected those"));
  EXPECT_THAT(problem("id,truth,prediction,p_a\n1,a,a,1\n1,a,a,1\n"),
              HasSubstr("duplicate sample '1'"));
  EXPECT_THAT(problem("id,truth,prediction,p_a\n1,a,a,nan\n"),
              HasSubstr("x:2: probabilities of '1'"));
  EXPECT_THAT(problem("id,truth,prediction,p_a\n1,a,a\n"), HasSubstr("x:2"));
  EXPECT_THAT(problem(""), HasSubstr("corrupt"));
  MIEN_EXPECT_CODE(load_answers(dir / "none"), StatusCode::kNotFound);
}

}  // namespace
}  // namespace mien::eval
