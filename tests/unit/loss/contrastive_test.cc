#include "mien/loss/contrastive.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "loss/cross_entropy.h"
#include "support/gradient_check.h"

namespace mien::loss {
namespace {

using test::kDouble;

torch::Tensor unit_rows(std::int64_t rows, std::int64_t width) {
  const torch::Tensor x = torch::randn({rows, width}, kDouble);
  return x / x.norm(2, -1, true);
}

TEST(Contrastive, SameDistinctRowsAndALargeFactorGiveZero) {
  const torch::Tensor rows = torch::eye(4, kDouble);
  EXPECT_NEAR(symmetric_contrastive(rows, rows, torch::tensor(100.0, kDouble)).item<double>(), 0.0,
              1e-12);
}

TEST(Contrastive, EqualTextsMakeTheVideoTermTheLogarithmOfTheBatch) {
  torch::manual_seed(1);
  const torch::Tensor videos = unit_rows(5, 8);
  const torch::Tensor texts = unit_rows(1, 8).expand({5, 8});
  const torch::Tensor factor = torch::tensor(30.0, kDouble);
  const torch::Tensor logits = factor * at::matmul(videos, texts.t());
  const torch::Tensor diagonal = torch::arange(5, torch::dtype(torch::kInt64));
  EXPECT_NEAR(cross_entropy(logits, diagonal).item<double>(), std::log(5.0), 1e-9);
  EXPECT_NEAR(symmetric_contrastive(videos, texts, factor).item<double>(),
              0.5 * (std::log(5.0) + cross_entropy(logits.t(), diagonal).item<double>()), 1e-9);
}

TEST(Contrastive, WorkedByHand) {
  const torch::Tensor v = torch::tensor({{1.0, 0.0}, {0.0, 1.0}}, kDouble);
  const torch::Tensor t = torch::tensor({{1.0, 0.0}, {0.6, 0.8}}, kDouble);
  // Logits [[2, 1.2], [0, 1.6]].
  const double rows = std::log1p(std::exp(-0.8)) + std::log1p(std::exp(-1.6));
  const double columns = std::log1p(std::exp(-2.0)) + std::log1p(std::exp(-0.4));
  EXPECT_NEAR(symmetric_contrastive(v, t, torch::tensor(2.0, kDouble)).item<double>(),
              0.25 * (rows + columns), 1e-12);
}

TEST(Contrastive, DiagonalTargetsAreTheHardLoss) {
  torch::manual_seed(2);
  const torch::Tensor v = unit_rows(4, 6), t = unit_rows(4, 6);
  const torch::Tensor factor = torch::tensor(5.0, kDouble);
  EXPECT_NEAR(symmetric_contrastive_soft(v, t, factor, torch::eye(4, kDouble)).item<double>(),
              symmetric_contrastive(v, t, factor).item<double>(), 1e-12);
}

TEST(Contrastive, ChunksAreTheMeanOfTheirLosses) {
  torch::manual_seed(3);
  const torch::Tensor v = unit_rows(6, 4), t = unit_rows(6, 4);
  const torch::Tensor factor = torch::tensor(5.0, kDouble);
  const double expected =
      0.5 * (symmetric_contrastive(v.narrow(0, 0, 3), t.narrow(0, 0, 3), factor).item<double>() +
             symmetric_contrastive(v.narrow(0, 3, 3), t.narrow(0, 3, 3), factor).item<double>());
  EXPECT_NEAR(chunked_contrastive(v, t, factor, 2).item<double>(), expected, 1e-12);
}

// Two processes, simulated: the mean of their gradients is the gradient of the whole batch.
TEST(Contrastive, GatheredGradientsAverageToTheWholeBatch) {
  torch::manual_seed(4);
  const torch::Tensor weight = torch::randn({5, 4}, kDouble).set_requires_grad(true);
  const torch::Tensor tau = torch::tensor(1.0, kDouble).set_requires_grad(true);
  const torch::Tensor inputs = torch::randn({6, 5}, kDouble), texts = unit_rows(6, 4);
  const auto features = [&](const torch::Tensor& x) {
    const torch::Tensor y = at::matmul(x, weight);
    return y / y.norm(2, -1, true);
  };
  const auto gradients = [&](const torch::Tensor& loss) {
    weight.mutable_grad() = torch::Tensor();
    tau.mutable_grad() = torch::Tensor();
    loss.backward();
    return std::pair(weight.grad().clone(), tau.grad().clone());
  };
  const torch::Tensor whole = symmetric_contrastive(features(inputs), texts, tau.exp());
  const auto [expected_weight, expected_tau] = gradients(whole);
  torch::Tensor mean_weight = torch::zeros_like(weight), mean_tau = torch::zeros_like(tau);
  for (int rank = 0; rank < 2; ++rank) {
    int call = 0;
    const Gather gather{.rank = rank, .world = 2, .all_gather = [&](const torch::Tensor&) {
                          const at::NoGradGuard no_grad;
                          return call++ == 0 ? features(inputs) : texts.clone();
                        }};
    const torch::Tensor loss = gathered_contrastive(
        features(inputs.narrow(0, 3 * rank, 3)), texts.narrow(0, 3 * rank, 3), tau.exp(), gather);
    EXPECT_NEAR(loss.item<double>(), whole.item<double>(), 1e-12);
    const auto [own_weight, own_tau] = gradients(loss);
    mean_weight += own_weight / 2;
    mean_tau += own_tau / 2;
  }
  EXPECT_LT((mean_weight - expected_weight).abs().max().item<double>(), 1e-12);
  EXPECT_NEAR(mean_tau.item<double>(), expected_tau.item<double>(), 1e-12);
}

TEST(Contrastive, Gradients) {
  torch::manual_seed(5);
  torch::Tensor v = torch::randn({4, 3}, kDouble), t = torch::randn({4, 3}, kDouble);
  torch::Tensor factor = torch::tensor(1.5, kDouble);
  test::expect_gradients([&] { return symmetric_contrastive(v, t, factor); },
                         {{"videos", v}, {"texts", t}, {"factor", factor}}, 12);
  const torch::Tensor labels = torch::tensor({0, 1, 0, 2}, torch::dtype(torch::kInt64));
  torch::Tensor f = unit_rows(4, 3);
  test::expect_gradients([&] { return supervised_contrastive(f, labels, 0.3); }, {{"features", f}},
                         12);
}

// Features of the HESP specification, the published form worked by hand.
TEST(SupervisedContrastive, WorkedByHand) {
  const torch::Tensor f = torch::tensor({{1.0, 0.0}, {0.8, 0.6}, {0.0, 1.0}}, kDouble);
  const torch::Tensor labels = torch::tensor({0, 0, 1}, torch::dtype(torch::kInt64));
  const double first = std::log1p(std::exp(-1.6));        // logits 1.6 and 0
  const double second = std::log1p(std::exp(1.2 - 1.6));  // logits 1.6 and 1.2
  EXPECT_NEAR(supervised_contrastive(f, labels, 0.5).item<double>(), (first + second) / 2, 1e-12);
}

TEST(SupervisedContrastive, NoPositiveIsZero) {
  const torch::Tensor labels = torch::tensor({0, 1}, torch::dtype(torch::kInt64));
  EXPECT_EQ(supervised_contrastive(torch::eye(2, kDouble), labels, 0.1).item<double>(), 0.0);
}

}  // namespace
}  // namespace mien::loss
