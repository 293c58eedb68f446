#include "loss/descriptors.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/gradient_check.h"

namespace mien::loss {
namespace {

using test::kDouble;
using test::kLong;

// methods-cliper §11.
torch::Tensor scores() {
  return torch::tensor({2.0, 1.0, 0.0, 0.5, 1.0, 3.0, 2.0, -1.0, 0.0, 1.0, 1.5, 2.5}, kDouble)
      .view({3, 2, 2});
}
torch::Tensor class_indices() { return torch::tensor({0, 0, 1}, kLong); }

// Scores of one class whose samples choose its first descriptor so often, and its second.
torch::Tensor modulation_of(int first, int second) {
  torch::Tensor out = torch::zeros({first + second, 2, 2}, kDouble);
  for (int i = 0; i < first + second; ++i) out[i][0][i < first ? 0 : 1] = 1.0;
  return descriptor_modulation(out, torch::zeros({first + second}, kLong));
}

TEST(Descriptors, WorkedExample) {
  EXPECT_NEAR(descriptor_margin(scores(), class_indices()).item<double>(), 0.7538052, 1e-6);
  EXPECT_NEAR(descriptor_fine_grained(scores(), class_indices()).item<double>(), 0.2988652, 1e-6);
  const torch::Tensor alpha = descriptor_modulation(scores(), class_indices());
  EXPECT_NEAR(alpha[0].item<double>(), 1.0, 1e-6);
  EXPECT_NEAR(alpha[1].item<double>(), 1.0, 1e-6);
  EXPECT_NEAR(alpha[2].item<double>(), 0.9898990, 1e-6);
  const torch::Tensor means = scores().mean(2);
  EXPECT_NEAR(
      descriptor_mean(scores(), class_indices()).item<double>(),
      -at::log_softmax(means, 1).gather(1, class_indices().unsqueeze(1)).mean().item<double>(),
      1e-12);
}

TEST(Descriptors, RareDescriptorsWeighMore) {
  const torch::Tensor uneven = modulation_of(3, 1);
  EXPECT_NEAR(uneven[0].item<double>(), 0.4523251, 1e-6);
  EXPECT_NEAR(uneven[3].item<double>(), 2.6430247, 1e-6);
  const torch::Tensor even = modulation_of(2, 2);
  EXPECT_NEAR(even[0].item<double>(), 1, 1e-6);
  EXPECT_NEAR(even[3].item<double>(), 1, 1e-6);
  EXPECT_NEAR(modulation_of(4, 0)[0].item<double>(), 0.997475, 1e-6);
}

// With one descriptor per class both losses are plain cross entropies.
TEST(Descriptors, OneDescriptorIsCrossEntropy) {
  torch::manual_seed(1);
  const torch::Tensor one = torch::randn({6, 4, 1}, kDouble);
  const torch::Tensor truth = torch::tensor({0, 3, 1, 1, 2, 0}, kLong);
  const double plain = descriptor_mean(one, truth).item<double>();
  EXPECT_NEAR(descriptor_margin(one, truth).item<double>(), plain, 1e-12);
  EXPECT_NEAR(descriptor_fine_grained(one, truth).item<double>(), plain, 1e-12);
}

TEST(Descriptors, MarginReachesOneDescriptorOfTheTrueClass) {
  torch::Tensor s = scores().set_requires_grad(true);
  descriptor_margin(s, class_indices()).backward();
  const torch::Tensor touched = s.grad().ne(0).sum(2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(touched[i][0].item<int>(), 1);
    EXPECT_EQ(touched[i][1].item<int>(), 1);
  }
}

TEST(Descriptors, ScoresOfUnitRows) {
  const torch::Tensor images = torch::tensor({1.0, 0.0}, kDouble).view({1, 2});
  const torch::Tensor texts =
      torch::tensor({1.0, 0.0, 0.6, 0.8, 0.0, 1.0, -1.0, 0.0}, kDouble).view({4, 2});
  const torch::Tensor found = descriptor_scores(images, texts, 2, 0.01);
  EXPECT_EQ(found.sizes(), (at::IntArrayRef{1, 2, 2}));
  EXPECT_NEAR(found[0][0][1].item<double>(), 60, 1e-9);
  EXPECT_NEAR(found[0][1][1].item<double>(), -100, 1e-9);
}

TEST(Descriptors, Gradients) {
  torch::manual_seed(3);
  torch::Tensor s = torch::randn({5, 3, 4}, kDouble);
  const torch::Tensor truth = torch::tensor({0, 2, 1, 1, 2}, kLong);
  test::expect_gradients([&] { return descriptor_margin(s, truth); }, {{"scores", s}}, 60);
  test::expect_gradients([&] { return descriptor_fine_grained(s, truth); }, {{"scores", s}}, 60);
  test::expect_gradients([&] { return descriptor_mean(s, truth); }, {{"scores", s}}, 60);
}

}  // namespace
}  // namespace mien::loss
