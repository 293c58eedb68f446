#include "nn/swin.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <map>

#include "mien/engine/architecture.h"
#include "nn/load.h"
#include "nn/residual.h"
#include "support/gradient_check.h"

namespace mien::nn {
namespace {

std::int64_t count(const torch::nn::Module& module) {
  std::int64_t out = 0;
  for (const auto& [name, tensor] : named_parameters(module)) out += tensor.numel();
  return out;
}

SwinOptions small() {
  return {.image_size = 24,
          .patch = 2,
          .width = 16,
          .depths = {2, 2},
          .heads = {1, 2},
          .window = 3,
          .embed = 12,
          .drop_path = 0};
}

// torchvision's ResNet-18 and Swin-T have 11,689,512 and 28,288,354 parameters with their
// classifiers of 1000 classes.
TEST(Swin, CountsOfTheKnownModels) {
  const ResidualTower resnet(ResidualOptions{.channels = 3,
                                             .stem_kernel = 7,
                                             .stem_stride = 2,
                                             .stem_width = 64,
                                             .stem_pool = true,
                                             .first_stride = 1,
                                             .widths = {64, 128, 256, 512},
                                             .embed = 0});
  EXPECT_EQ(count(*resnet) + 512 * 1000 + 1000, 11'689'512);
  const Swin swin(SwinOptions{.image_size = 224, .patch = 4, .embed = 768, .feature_head = false});
  EXPECT_EQ(count(*swin) + 768 * 1000 + 1000, 28'288'354);
}

TEST(Swin, NamesAndShapesAreTheEngines) {
  const Swin swin{SwinOptions{}};
  engine::Architecture architecture;
  architecture.embed = 512;
  architecture.image = engine::SwinSizes{.image_size = 112,
                                         .patch = 2,
                                         .width = 96,
                                         .depths = {2, 2, 6, 2},
                                         .heads = {3, 6, 12, 24},
                                         .window = 7,
                                         .mlp_ratio = 4,
                                         .feature_head = true};
  ASSERT_TRUE(architecture.validate("a").ok());
  std::map<std::string, Shape> ours, theirs;
  for (const auto& [name, tensor] : swin->published()) {
    ours["visual." + name] = {tensor.sizes().begin(), tensor.sizes().end()};
  }
  for (const auto& expected : engine::expected_tensors(architecture)) {
    theirs[expected.name] = expected.shape;
  }
  EXPECT_EQ(ours, theirs);
}

TEST(Swin, Gradients) {
  torch::manual_seed(4);
  Swin swin(small());
  swin->to(torch::kFloat64);
  swin->train();
  const torch::Tensor pixels = torch::randn({3, 3, 24, 24}, torch::kFloat64);
  const torch::Tensor weights = torch::randn({3, 12}, torch::kFloat64);
  test::expect_gradients([&] { return (swin->forward(pixels) * weights).sum(); },
                         named_parameters(*swin), 2);
}

TEST(Swin, DropsWholePathsOfSamplesWhileTraining) {
  torch::manual_seed(5);
  SwinOptions options = small();
  options.feature_head = false;
  options.embed = 32;
  options.drop_path = 0.5;
  Swin swin(options);
  const torch::Tensor pixels = torch::randn({1, 3, 24, 24}).expand({16, 3, 24, 24}).contiguous();
  const at::NoGradGuard no_grad;
  swin->eval();
  EXPECT_LT((swin->forward(pixels) - swin->forward(pixels)[0]).abs().max().item<double>(), 1e-5);
  swin->train();
  EXPECT_GT((swin->forward(pixels) - swin->forward(pixels)[0]).abs().max().item<double>(), 1e-3);
}

}  // namespace
}  // namespace mien::nn
