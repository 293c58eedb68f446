// The trainable Swin transformer and the neutral network against the engine's.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "checkpoint/safetensors.h"
#include "engine/neutral.h"
#include "mien/engine/encoders.h"
#include "mien/kernels/cpu.h"
#include "nn/load.h"
#include "nn/neutral.h"
#include "nn/swin.h"
#include "support/test_support.h"

namespace mien {
namespace {

struct Case {
  const char* name;
  nn::SwinOptions sizes;
  std::int64_t count;
};

const Case kCases[] = {
    {"shifted_with_head",
     {.image_size = 36,
      .patch = 3,
      .width = 32,
      .depths = {2, 3, 2},
      .heads = {2, 4, 2},
      .window = 3,
      .embed = 40},
     5},
    {"window_of_7_without_head",
     {.image_size = 56,
      .patch = 2,
      .width = 16,
      .depths = {2, 2, 2},
      .heads = {1, 2, 2},
      .window = 7,
      .embed = 64,
      .feature_head = false},
     21},
};

class SwinParity : public testing::TestWithParam<std::tuple<int, kernels::Precision>> {};

engine::Architecture architecture_of(const nn::SwinOptions& sizes) {
  engine::Architecture out;
  out.embed = sizes.embed;
  out.image = engine::SwinSizes{.image_size = sizes.image_size,
                                .patch = sizes.patch,
                                .width = sizes.width,
                                .depths = sizes.depths,
                                .heads = sizes.heads,
                                .window = sizes.window,
                                .mlp_ratio = sizes.mlp_ratio,
                                .feature_head = sizes.feature_head};
  return out;
}

// Weights and statistics as after some training, so that biases, norms and folding matter.
nn::Swin trained(const nn::SwinOptions& sizes) {
  nn::Swin out(sizes);
  for (const auto& [name, tensor] : nn::named_parameters(*out)) {
    const double scale = tensor.dim() > 1 ? 0.15 : 0.1;
    torch::Tensor(tensor).add_(scale * torch::randn(tensor.sizes()));
  }
  out->train();
  for (int i = 0; i < 10; ++i) {
    out->forward(torch::randn({8, 3, sizes.image_size, sizes.image_size}) + 0.3);
  }
  out->eval();
  return out;
}

TEST_P(SwinParity, SameEmbeddings) {
  const at::NoGradGuard no_grad;
  torch::manual_seed(12);
  const auto [which, precision] = GetParam();
  if (precision == kernels::Precision::kBf16 && kernels::active_isa() != kernels::Isa::kAvx512) {
    GTEST_SKIP() << "bf16 layers need AVX-512";
  }
  const Case& c = kCases[which];
  nn::Swin model = trained(c.sizes);
  const test::TempDir dir;
  checkpoint::NamedTensors views;
  for (const auto& [name, tensor] : model->published()) {
    views.emplace_back("visual." + name, nn::as_view(tensor));
  }
  ASSERT_TRUE(checkpoint::write_safetensors(dir / "w.safetensors", views).ok());
  const auto weights = checkpoint::open_safetensors(dir / "w.safetensors");
  ASSERT_TRUE(weights.ok());
  const engine::Architecture architecture = architecture_of(c.sizes);
  ASSERT_TRUE(architecture.validate("test").ok()) << architecture.validate("test").message();
  const Status fits = engine::check_tensors(**weights, architecture, "test");
  ASSERT_TRUE(fits.ok()) << fits.message();
  const auto encoder =
      engine::ImageEncoder::load(**weights, architecture, {.precision = precision});
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  const torch::Tensor pixels = torch::randn({c.count, 3, c.sizes.image_size, c.sizes.image_size});
  torch::Tensor found = torch::empty({c.count, c.sizes.embed});
  engine::Session session;
  ASSERT_TRUE(
      (*encoder)->encode(pixels.data_ptr<float>(), c.count, found.data_ptr<float>(), session).ok());
  const torch::Tensor truth = model->forward(pixels);
  const bool f32 = precision == kernels::Precision::kF32;
  const double cosine = at::cosine_similarity(truth, found, 1).min().item<double>();
  const double largest = (truth - found).abs().max().item<double>();
  EXPECT_GE(cosine, f32 ? 0.99999 : 0.9995);
  EXPECT_LE(largest, f32 ? 1e-3 : 0.2);
  RecordProperty("cosine", std::to_string(cosine));
  RecordProperty("max_abs", std::to_string(largest));
}

INSTANTIATE_TEST_SUITE_P(All, SwinParity,
                         testing::Combine(testing::Range(0, 2),
                                          testing::Values(kernels::Precision::kF32,
                                                          kernels::Precision::kBf16)),
                         [](const auto& tested) {
                           return std::string(kCases[std::get<0>(tested.param)].name) +
                                  (std::get<1>(tested.param) == kernels::Precision::kF32 ? "_fp32"
                                                                                         : "_bf16");
                         });

TEST(NeutralParity, SameDistance) {
  const at::NoGradGuard no_grad;
  torch::manual_seed(13);
  const nn::NeutralNetwork network(20, 7);
  const test::TempDir dir;
  checkpoint::NamedTensors views;
  for (const auto& [name, tensor] : nn::named_parameters(*network)) {
    views.emplace_back("neutral." + name, nn::as_view(tensor));
  }
  ASSERT_TRUE(checkpoint::write_safetensors(dir / "w.safetensors", views).ok());
  const auto weights = checkpoint::open_safetensors(dir / "w.safetensors");
  ASSERT_TRUE(weights.ok());
  engine::Architecture architecture;
  architecture.embed = 20;
  architecture.neutral = engine::NeutralNetwork{.hidden = 7, .from = 0.5, .to = 1.25};
  const auto difference = engine::NeutralDifference::load(**weights, architecture);
  ASSERT_TRUE(difference.ok());
  const torch::Tensor faces = 3 * torch::randn({6, 20});
  const torch::Tensor truth = 1 - at::cosine_similarity(faces, network->forward(faces), 1, 1e-8);
  for (std::int64_t i = 0; i < 6; ++i) {
    const std::span<const float> row(faces[i].data_ptr<float>(), 20);
    const double distance = truth[i].item<double>();
    EXPECT_NEAR((*difference)->distance(row), distance, 1e-6);
    EXPECT_NEAR((*difference)->intensity(row), std::clamp((distance - 0.5) / 0.75, 0.0, 1.0), 1e-5);
  }
  const std::vector<float> nothing(20, 0.0F);
  EXPECT_EQ((*difference)->distance(nothing), 0.0F);
}

}  // namespace
}  // namespace mien
