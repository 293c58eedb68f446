#include "loss/e2n.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/gradient_check.h"

namespace mien::loss {
namespace {

torch::Tensor rows(std::vector<double> values, std::int64_t count) {
  return torch::tensor(values, torch::kFloat64).view({count, -1});
}

torch::Tensor labels(std::vector<std::int64_t> values) {
  return torch::tensor(values, torch::kInt64);
}

// methods-e2n-fer §12.
TEST(E2nLoss, SelfContrastOfTheSpecification) {
  const E2nBatch batch = {.expressions = rows({.8, .6, 0, 1}, 2),
                          .neutrals = rows({.6, -.8, 1, 0}, 2),
                          .texts = rows({1, 0, 0, 1, .5, .5}, 3),
                          .labels = labels({0, 1}),
                          .neutral = 2};
  EXPECT_NEAR(self_contrast(batch, SelfContrast::kPairwise).item<double>(), 1.6, 1e-6);
  EXPECT_NEAR(self_contrast(batch, SelfContrast::kDiagonal).item<double>(), 1.4, 1e-6);
}

TEST(E2nLoss, TransformationOfTheSpecification) {
  E2nBatch batch = {.expressions = rows({2, 0}, 1),
                    .neutrals = rows({1, 0}, 1),
                    .texts = rows({0, 3, 0, 1}, 2),
                    .labels = labels({0}),
                    .neutral = 1};
  EXPECT_NEAR(neutral_transformation(batch).item<double>(), 1.0, 1e-6);
  batch.texts = rows({3, 1, 0, 1}, 2);
  EXPECT_NEAR(neutral_transformation(batch).item<double>(), 0.0, 1e-6);
}

TEST(E2nLoss, SimilarityOfTheSpecification) {
  const E2nBatch batch = {.expressions = rows({1, 0}, 1),
                          .neutrals = {},
                          .texts = rows({1, 0, 0, 1}, 2),
                          .labels = labels({0})};
  EXPECT_NEAR(similarity_matching(batch, 100).item<double>(), std::log1p(std::exp(-100.0)), 1e-6);
}

// Neutral samples and their neutrals count in neither.
TEST(E2nLoss, NeutralSamplesAreLeftOut) {
  const E2nBatch with = {.expressions = rows({.8, .6, 0, 1, 5, 7}, 3),
                         .neutrals = rows({.6, -.8, 1, 0, -3, 2}, 3),
                         .texts = rows({1, 0, 0, 1, .5, .5}, 3),
                         .labels = labels({0, 1, 2}),
                         .neutral = 2};
  E2nBatch without = with;
  without.expressions = with.expressions.narrow(0, 0, 2);
  without.neutrals = with.neutrals.narrow(0, 0, 2);
  without.labels = with.labels.narrow(0, 0, 2);
  for (const SelfContrast kind : {SelfContrast::kPairwise, SelfContrast::kDiagonal}) {
    EXPECT_DOUBLE_EQ(self_contrast(with, kind).item<double>(),
                     self_contrast(without, kind).item<double>());
  }
  EXPECT_DOUBLE_EQ(neutral_transformation(with).item<double>(),
                   neutral_transformation(without).item<double>());
}

TEST(E2nLoss, OnlyNeutralSamplesGiveZero) {
  const E2nBatch batch = {.expressions = rows({.8, .6}, 1),
                          .neutrals = rows({.6, -.8}, 1),
                          .texts = rows({1, 0, 0, 1}, 2),
                          .labels = labels({1}),
                          .neutral = 1};
  EXPECT_EQ(self_contrast(batch, SelfContrast::kPairwise).item<double>(), 0);
  EXPECT_EQ(neutral_transformation(batch).item<double>(), 0);
  EXPECT_TRUE(std::isfinite(similarity_matching(batch, 100).item<double>()));
}

TEST(E2nLoss, Gradients) {
  torch::manual_seed(3);
  const auto random = [](std::int64_t n) { return torch::randn({n, 4}, torch::kFloat64); };
  const E2nBatch batch = {.expressions = random(5),
                          .neutrals = random(5),
                          .texts = random(3),
                          .labels = labels({0, 2, 1, 0, 2}),
                          .neutral = 1};
  const std::vector<std::pair<std::string, torch::Tensor>> tensors = {
      {"expressions", batch.expressions}, {"neutrals", batch.neutrals}};
  test::expect_gradients(
      [&] {
        return neutral_transformation(batch) + self_contrast(batch, SelfContrast::kPairwise) +
               2 * self_contrast(batch, SelfContrast::kDiagonal) +
               0 * similarity_matching(batch, 10);
      },
      tensors, 20);
  test::expect_gradients([&] { return similarity_matching(batch, 10); },
                         {{"expressions", batch.expressions}}, 20);
}

}  // namespace
}  // namespace mien::loss
