#include "engine/reciprocal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "support/bundles.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

using testing::HasSubstr;

// A tiny bundle with points for its labels, and a rule.
class ReciprocalTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto plain = test::tiny_bundle(dir_ / "plain");
    MIEN_ASSERT_OK(plain.status());
    plain_ = *plain;
    labels_ = plain_->info().labels.size();
    info_ = plain_->info();
  }

  Result<std::shared_ptr<const Bundle>> write(const checkpoint::NamedTensors& more) {
    return test::extended_bundle(*plain_, info_, more, dir_ / "out");
  }

  static TensorView view_of(const Tensor& tensor) { return tensor.view(); }

  test::TempDir dir_;
  std::shared_ptr<const Bundle> plain_;
  BundleInfo info_;
  std::size_t labels_ = 0;
  Session session_;
};

TEST_F(ReciprocalTest, DistancesCountForOwnLabelsOnly) {
  info_.architecture.reciprocal = ReciprocalPoints{
      .labels = static_cast<int>(labels_), .cosine_weight = 0.5, .distance_weight = 0.25};
  info_.unknown = {.kind = UnknownRule::Kind::kMaxLogit, .threshold = 1e6};
  Tensor points(DType::kF32, {static_cast<std::int64_t>(labels_), 32});
  for (std::size_t i = 0; i < points.f32().size(); ++i) {
    points.f32()[i] = std::cos(static_cast<float>(i));
  }
  const auto loaded = write({{"reciprocal.points", view_of(points)}});
  MIEN_ASSERT_OK(loaded.status());
  const Bundle& bundle = **loaded;
  std::vector<float> unit(32, std::sqrt(1.0F / 32));
  const auto own = LabelScorer::make(bundle, {.name = "", .labels = info_.labels}, {}, session_);
  MIEN_ASSERT_OK(own.status());
  const double length = 3;
  const Scores said = (*own)->score(unit, length);
  EXPECT_TRUE(said.unknown);  // no logit reaches a million
  for (std::size_t l = 0; l < labels_; ++l) {
    double distance = 0, product = 0;
    for (std::size_t i = 0; i < 32; ++i) {
      const double u = points.f32()[l * 32 + i], f = length * unit[i];
      distance += (f - u) * (f - u) / 32;
      product += f * u;
    }
    double cosine = 0;
    for (const LabelScore& score : said.labels) {
      if (score.label == info_.labels[l].name) cosine = score.cosine;
    }
    EXPECT_NEAR(said.logits[l], 0.5 * info_.logit_scale * cosine + 0.25 * (distance - product),
                1e-4);
  }
  const auto free =
      LabelScorer::make(bundle, {.name = "", .labels = {info_.labels[0]}}, {}, session_);
  MIEN_ASSERT_OK(free.status());
  const Scores other = (*free)->score(unit, length);
  EXPECT_FALSE(other.unknown);
  EXPECT_NEAR(other.logits[0], info_.logit_scale * other.labels[0].cosine, 1e-4);
}

TEST_F(ReciprocalTest, ABundleMayNameTheLengthOfEmbeddings) {
  Tensor points(DType::kF32, {static_cast<std::int64_t>(labels_), 32});
  for (std::size_t i = 0; i < points.f32().size(); ++i) {
    points.f32()[i] = std::cos(static_cast<float>(i));
  }
  const std::vector<float> unit(32, std::sqrt(1.0F / 32));
  std::vector<std::vector<double>> logits;
  for (const auto& [named, length] : {std::pair{0.0, 3.0}, {3.0, 7.0}, {0.0, 7.0}}) {
    info_.architecture.reciprocal =
        ReciprocalPoints{.labels = static_cast<int>(labels_), .length = named};
    const auto bundle = write({{"reciprocal.points", view_of(points)}});
    MIEN_ASSERT_OK(bundle.status());
    EXPECT_EQ((*bundle)->info().architecture.reciprocal->length, named);
    const auto scorer =
        LabelScorer::make(**bundle, {.name = "", .labels = info_.labels}, {}, session_);
    MIEN_ASSERT_OK(scorer.status());
    logits.push_back((*scorer)->score(unit, length).logits);
  }
  EXPECT_EQ(logits[0], logits[1]);
  EXPECT_NE(logits[0], logits[2]);
}

TEST_F(ReciprocalTest, TheMeanOfBothProbabilitiesDecides) {
  info_.architecture.reciprocal = ReciprocalPoints{.labels = static_cast<int>(labels_)};
  Tensor points(DType::kF32,
                {static_cast<std::int64_t>(labels_), 32});  // zeros: z is the same for all
  const std::vector<float> unit(32, std::sqrt(1.0F / 32));
  double value = 0;
  for (const double threshold : {0.0, 1.0}) {
    info_.unknown = {.kind = UnknownRule::Kind::kMeanProbability, .threshold = threshold};
    const auto bundle = write({{"reciprocal.points", view_of(points)}});
    MIEN_ASSERT_OK(bundle.status());
    const auto scorer =
        LabelScorer::make(**bundle, {.name = "", .labels = info_.labels}, {}, session_);
    MIEN_ASSERT_OK(scorer.status());
    EXPECT_EQ((*scorer)->score(unit, 2).unknown, threshold > 0.5);
    value += threshold;
  }
  EXPECT_EQ(value, 1);
}

TEST_F(ReciprocalTest, BadSizes) {
  info_.architecture.reciprocal = ReciprocalPoints{.labels = static_cast<int>(labels_) + 1};
  Tensor points(DType::kF32, {static_cast<std::int64_t>(labels_) + 1, 32});
  EXPECT_THAT(write({{"reciprocal.points", view_of(points)}}).status().message(),
              HasSubstr("reciprocal points"));
  info_.architecture.reciprocal->labels = static_cast<int>(labels_);
  info_.architecture.reciprocal->distance_weight = -1;
  EXPECT_THAT(write({{"reciprocal.points", view_of(points)}}).status().message(),
              HasSubstr("weights"));
}

}  // namespace
}  // namespace mien::engine
