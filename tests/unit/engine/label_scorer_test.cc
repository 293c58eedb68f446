#include "mien/engine/label_scorer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/tiny_bundle.h"
#include "support/test_support.h"
#include "text/tokenizer.h"

namespace mien::engine {
namespace {

using test::TempDir;

class LabelScorerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MIEN_ASSERT_OK(write_tiny_bundle(dir_ / "tiny"));
    bundle_ = *Bundle::load(dir_ / "tiny");
    labels_ = {
        "custom",
        {{"happy", {"a happy face", "a smile"}, {}},
         {"sad", {"a sad face"}, {}},
         {"mixed", {}, {{"happy", {"a happy face", "a smile"}, {}}, {"sad", {"a sad face"}, {}}}}}};
  }
  std::shared_ptr<const LabelScorer> make(const ScorerOptions& options) {
    return *LabelScorer::make(*bundle_, labels_, options, session_);
  }
  std::vector<float> text(const std::string& words) {
    const std::vector<std::string> one = {words};
    const auto tensor = encode_texts(*bundle_, one, session_);
    return {tensor->f32().begin(), tensor->f32().end()};
  }
  static float dot(const std::vector<float>& a, const std::vector<float>& b) {
    float sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }

  TempDir dir_;
  std::shared_ptr<const Bundle> bundle_;
  text::LabelSet labels_;
  Session session_;
};

float cosine_of(const Scores& scores, const std::string& label) {
  for (const LabelScore& s : scores.labels) {
    if (s.label == label) return s.cosine;
  }
  return NAN;
}

TEST_F(LabelScorerTest, AveragesDescriptionsAndCompounds) {
  const auto a = text("a happy face");
  const auto b = text("a smile");
  const auto sad = text("a sad face");
  const Scores scores = make({})->score(sad);
  std::vector<float> happy(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) happy[i] = a[i] + b[i];
  const float length = std::sqrt(dot(happy, happy));
  for (float& v : happy) v /= length;
  EXPECT_NEAR(cosine_of(scores, "happy"), dot(happy, sad), 1e-5);
  EXPECT_NEAR(cosine_of(scores, "sad"), 1.0F, 1e-5);
  std::vector<float> mixed(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) mixed[i] = happy[i] + sad[i];
  const float mixed_length = std::sqrt(dot(mixed, mixed));
  EXPECT_NEAR(cosine_of(scores, "mixed"), dot(mixed, sad) / mixed_length, 1e-5);
  EXPECT_EQ(scores.labels.front().label, "sad");
}

TEST_F(LabelScorerTest, ReducesByMeanOrMaxOfCosines) {
  const auto a = text("a happy face");
  const auto b = text("a smile");
  const auto sad = text("a sad face");
  EXPECT_NEAR(cosine_of(make({.reduce = Reduce::kMaxCosine})->score(sad), "happy"),
              std::max(dot(a, sad), dot(b, sad)), 1e-5);
  EXPECT_NEAR(cosine_of(make({.reduce = Reduce::kMeanCosine})->score(sad), "happy"),
              (dot(a, sad) + dot(b, sad)) / 2, 1e-5);
}

TEST_F(LabelScorerTest, ProbabilitiesAreTheSoftmaxOfScaledCosines) {
  const Scores scores = make({})->score(text("a smile"));
  double total = 0;
  double sum = 0;
  for (const LabelScore& s : scores.labels) {
    total += std::exp(10.0 * static_cast<double>(s.cosine));
    sum += static_cast<double>(s.probability);
  }
  EXPECT_NEAR(sum, 1.0, 1e-5);
  for (const LabelScore& s : scores.labels) {
    EXPECT_NEAR(s.probability, std::exp(10.0 * static_cast<double>(s.cosine)) / total, 1e-5);
  }
  EXPECT_GE(scores.labels[0].probability, scores.labels[1].probability);
}

TEST_F(LabelScorerTest, UnknownFollowsTheThreshold) {
  const auto smile = text("a smile");
  EXPECT_FALSE(make({})->score(smile).unknown);  // not calibrated: auto is off
  const auto with = [&](double value) {
    return make({.unknown = {UnknownChoice::Mode::kValue, value}})->score(smile).unknown;
  };
  EXPECT_TRUE(with(0.9999));
  EXPECT_FALSE(with(0.01));
  EXPECT_FALSE(make({.unknown = {UnknownChoice::Mode::kOff, 0.99}})->score(smile).unknown);
}

TEST_F(LabelScorerTest, ThresholdsOutsideTheRangeAreRefused) {
  const auto check = [&](UnknownRule::Kind rule, double value) {
    BundleInfo info = bundle_->info();
    info.unknown.kind = rule;
    return check_unknown({UnknownChoice::Mode::kValue, value}, info, labels_);
  };
  for (const double value : {0.0, 0.5, 1.0}) {
    MIEN_ASSERT_OK(check(UnknownRule::Kind::kMaxProbability, value));
    MIEN_ASSERT_OK(check(UnknownRule::Kind::kMaxCosine, -value));
  }
  for (const double value : {50.0, 2.0, -1.0, 1.0001, std::nan("")}) {
    MIEN_EXPECT_CODE(check(UnknownRule::Kind::kMaxProbability, value),
                     StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(check(UnknownRule::Kind::kMeanProbability, value),
                     StatusCode::kInvalidArgument);
  }
  MIEN_EXPECT_CODE(check(UnknownRule::Kind::kMaxCosine, -1.5), StatusCode::kInvalidArgument);
  MIEN_ASSERT_OK(check(UnknownRule::Kind::kMaxLogit, 50));
  MIEN_ASSERT_OK(check(UnknownRule::Kind::kEnergy, -50));
  MIEN_EXPECT_CODE(LabelScorer::make(*bundle_, labels_,
                                     {.unknown = {UnknownChoice::Mode::kValue, 50}}, session_),
                   StatusCode::kInvalidArgument);
}

TEST_F(LabelScorerTest, ExplainsByEveryDescription) {
  const Scores scores = make({.explain = true})->score(text("a smile"));
  ASSERT_EQ(scores.reasons.size(), 6U);
  EXPECT_EQ(scores.reasons.front().text, "a smile");
  EXPECT_NEAR(scores.reasons.front().cosine, 1.0F, 1e-5);
  EXPECT_GE(scores.reasons[0].cosine, scores.reasons[5].cosine);
}

// Two parts: (3, 4) with one text, and (0, 1) and (0, 3) as two texts of the other.
TEST(CombineTexts, BothMeansOfACompoundByHand) {
  const text::Label label{"a+b", {}, {{"a", {"one"}, {}}, {"b", {"two", "three"}, {}}}};
  const float root_360 = std::sqrt(3.6F);
  // Unit rows (0.6, 0.8), (0, 1), (0, 1): the parts are (0.6, 0.8) and (0, 1), their sum
  // (0.6, 1.8).
  const std::vector<float> unit = {0.6F, 0.8F, 0, 1, 0, 1};
  const auto usual = combine_texts(label, unit.data(), 2, Compound::kUnitMean);
  EXPECT_NEAR(usual[0], 0.6F / root_360, 1e-6);
  EXPECT_NEAR(usual[1], 1.8F / root_360, 1e-6);
  // Raw rows: the parts are (3, 4) and (0, 2), their mean (1.5, 3), which has length 1.5 sqrt 5.
  const std::vector<float> raw = {3, 4, 0, 1, 0, 3};
  const auto other = combine_texts(label, raw.data(), 2, Compound::kRawMean);
  EXPECT_NEAR(other[0], 1 / std::sqrt(5.0F), 1e-6);
  EXPECT_NEAR(other[1], 2 / std::sqrt(5.0F), 1e-6);
}

TEST_F(LabelScorerTest, RawMeansChangeCompoundsOnly) {
  const auto sad = text("a sad face");
  const Scores usual = make({})->score(sad);
  const Scores raw = make({.compound = Compound::kRawMean})->score(sad);
  EXPECT_EQ(cosine_of(raw, "happy"), cosine_of(usual, "happy"));
  EXPECT_EQ(cosine_of(raw, "sad"), cosine_of(usual, "sad"));
  const std::vector<std::string> texts = {"a happy face", "a smile", "a sad face"};
  const auto rows = encode_texts_raw(*bundle_, texts, session_);
  MIEN_ASSERT_OK(rows);
  std::vector<float> mixed(32);
  for (std::size_t i = 0; i < 32; ++i) {
    mixed[i] = (rows->f32()[i] + rows->f32()[32 + i]) / 2 + rows->f32()[64 + i];
  }
  EXPECT_NEAR(cosine_of(raw, "mixed"), dot(mixed, sad) / std::sqrt(dot(mixed, mixed)), 1e-5);
  EXPECT_GT(std::abs(cosine_of(raw, "mixed") - cosine_of(usual, "mixed")), 1e-5);
}

TEST_F(LabelScorerTest, RawMeansGoWithMeansOfEmbeddingsOnly) {
  MIEN_EXPECT_CODE(
      LabelScorer::make(*bundle_, labels_,
                        {.reduce = Reduce::kMaxCosine, .compound = Compound::kRawMean}, session_),
      StatusCode::kInvalidArgument);
}

TEST_F(LabelScorerTest, RejectsAnEmptySet) {
  MIEN_EXPECT_CODE(LabelScorer::make(*bundle_, {}, {}, session_), StatusCode::kInvalidArgument);
}

TEST_F(LabelScorerTest, WithoutTextTowerOnlyTheOwnLabelsWork) {
  MIEN_ASSERT_OK(write_tiny_bundle(dir_ / "image-only", {.text_tower = false}));
  const auto bundle = *Bundle::load(dir_ / "image-only");
  MIEN_ASSERT_OK(LabelScorer::make(*bundle, {"own", bundle->info().labels}, {}, session_));
  MIEN_EXPECT_CODE(LabelScorer::make(*bundle, labels_, {}, session_), StatusCode::kUnsupported);
}

TEST_F(LabelScorerTest, TheBundleSaysHowToReduceAndWhatWasLearned) {
  BundleContent content;
  content.info = bundle_->info();
  content.info.reduce = Reduce::kMeanCosine;
  std::size_t texts = 0;
  for (const text::Label& label : content.info.labels) texts += label.texts.size();
  LearnedText learned;
  learned.tokens.push_back({{"grin", 0.5}, {"smile", 0.75}});
  content.info.learned.assign(texts, learned);
  for (const auto& [name, view] : bundle_->weights().tensors()) {
    content.tensors.emplace_back(name, view);
  }
  const auto features = encode_label_features(*bundle_, content.info.labels, session_);
  MIEN_ASSERT_OK(features);
  content.tensors.emplace_back(Bundle::kLabelFeatures, features->view());
  content.tokenizer = (*bundle_->tokenizer())->file_text();
  content.card = "x";
  MIEN_ASSERT_OK(write_bundle(dir_ / "learned", std::move(content)));
  const auto bundle = Bundle::load(dir_ / "learned");
  MIEN_ASSERT_OK(bundle);
  const text::LabelSet own = {"own", (*bundle)->info().labels};
  const auto smile = text("a smile");
  const auto scorer = [&](const text::LabelSet& labels, const ScorerOptions& options) {
    return *LabelScorer::make(**bundle, labels, options, session_);
  };
  const auto plain = scorer(own, {.explain = true});
  const std::vector<float> cosines = plain->text_cosines(smile);
  ASSERT_EQ(cosines.size(), plain->texts().size());
  float sum = 0;
  int count = 0;
  for (std::size_t t = 0; t < cosines.size(); ++t) {
    if (plain->texts()[t].label != 0) continue;
    sum += cosines[t];
    ++count;
  }
  const Scores scores = plain->score(smile);
  EXPECT_NEAR(cosine_of(scores, own.labels[0].name), sum / static_cast<float>(count), 1e-5);
  EXPECT_EQ(scores.reasons[0].near, (std::vector<std::vector<std::string>>{{"grin", "smile"}}));
  EXPECT_GT(std::abs(cosine_of(scorer(own, {.reduce = Reduce::kMaxCosine})->score(smile),
                               own.labels[0].name) -
                     cosine_of(scores, own.labels[0].name)),
            1e-6);
  // Other labels are words as ever.
  EXPECT_TRUE(scorer(labels_, {.explain = true})->score(smile).reasons[0].near.empty());
}

}  // namespace
}  // namespace mien::engine
