#include "loss/cross_entropy.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/gradient_check.h"

namespace mien::loss {
namespace {

using test::kDouble;

TEST(CrossEntropy, WorkedByHand) {
  const torch::Tensor logits = torch::tensor({{0.0, std::log(3.0)}}, kDouble);
  EXPECT_NEAR(cross_entropy(logits, torch::tensor({std::int64_t{1}})).item<double>(),
              -std::log(0.75), 1e-12);
  EXPECT_NEAR(cross_entropy(logits, torch::tensor({std::int64_t{1}}), 0.2).item<double>(),
              -(0.9 * std::log(0.75) + 0.1 * std::log(0.25)), 1e-12);
  EXPECT_NEAR(soft_cross_entropy(logits, torch::tensor({{0.4, 0.6}}, kDouble)).item<double>(),
              -(0.4 * std::log(0.25) + 0.6 * std::log(0.75)), 1e-12);
}

TEST(CrossEntropy, OneHotTargetsAreLabels) {
  torch::manual_seed(1);
  const torch::Tensor logits = torch::randn({5, 4}, kDouble);
  const torch::Tensor labels = torch::tensor({0, 3, 1, 1, 2}, torch::dtype(torch::kInt64));
  EXPECT_NEAR(soft_cross_entropy(logits, at::one_hot(labels, 4).to(torch::kFloat64)).item<double>(),
              cross_entropy(logits, labels).item<double>(), 1e-12);
}

TEST(CrossEntropy, Gradients) {
  torch::manual_seed(2);
  torch::Tensor logits = torch::randn({3, 4}, kDouble);
  const torch::Tensor labels = torch::tensor({0, 3, 1}, torch::dtype(torch::kInt64));
  const torch::Tensor targets = at::softmax(torch::randn({3, 4}, kDouble), -1);
  test::expect_gradients([&] { return cross_entropy(logits, labels, 0.1); }, {{"logits", logits}},
                         12);
  test::expect_gradients([&] { return soft_cross_entropy(logits, targets); }, {{"logits", logits}},
                         12);
}

}  // namespace
}  // namespace mien::loss
