#include "loss/open_set.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "support/gradient_check.h"

namespace mien::loss {
namespace {

using test::kDouble;
using test::kLong;

// methods-hesp §13.
TEST(OpenSetLoss, ReciprocalScoresOfTheWorkedExample) {
  const torch::Tensor f = torch::tensor({1.0, 2.0}, kDouble).view({1, 2});
  const torch::Tensor u = torch::tensor({0.0, 0.0, 1.0, 1.0}, kDouble).view({2, 2});
  const torch::Tensor z = reciprocal_scores(f, u);
  EXPECT_NEAR(z[0][0].item<double>(), 2.5, 1e-12);
  EXPECT_NEAR(z[0][1].item<double>(), -2.5, 1e-12);
  const torch::Tensor y = torch::zeros({1}, kLong);
  EXPECT_NEAR(at::cross_entropy_loss(z, y).item<double>(), 0.0067153, 1e-6);
  EXPECT_NEAR(reciprocal_margin(f, u, y, torch::zeros({1}, kDouble)).item<double>(), 3.5, 1e-12);
  EXPECT_NEAR(reciprocal_margin(f, u, y, torch::full({1}, 4.0, kDouble)).item<double>(), 0, 1e-12);
}

TEST(OpenSetLoss, ContrastiveOfTheWorkedExample) {
  const torch::Tensor f = torch::tensor({1.0, 0.0, 0.8, 0.6, 0.0, 1.0}, kDouble).view({3, 2});
  const torch::Tensor y = torch::tensor({0, 0, 1}, kLong);
  EXPECT_NEAR(hesp_contrastive(f, y).item<double>(), 0.1742290, 1e-6);
  EXPECT_NEAR(hesp_contrastive(3 * f, y).item<double>(), 0.1742290, 1e-6);
  EXPECT_EQ(hesp_contrastive(f, torch::tensor({0, 1, 2}, kLong)).item<double>(), 0);
}

TEST(OpenSetLoss, Gradients) {
  torch::manual_seed(5);
  const torch::Tensor f = torch::randn({4, 3}, kDouble), u = torch::randn({2, 3}, kDouble);
  const torch::Tensor y = torch::tensor({0, 1, 1, 0}, kLong);
  const torch::Tensor radius = torch::full({1}, 0.3, kDouble);
  const auto loss = [&] {
    return at::cross_entropy_loss(reciprocal_scores(f, u), y) +
           0.1 * reciprocal_margin(f, u, y, radius) + hesp_contrastive(f, y);
  };
  test::expect_gradients(loss, {{"features", f}, {"points", u}, {"radius", radius}});
}

}  // namespace
}  // namespace mien::loss
