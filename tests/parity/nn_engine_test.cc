// The trainable towers (nn) and the fast ones (engine) on the same random weights.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "mien/checkpoint/safetensors.h"
#include "mien/engine/encoders.h"
#include "mien/engine/temporal.h"
#include "mien/nn/clip.h"
#include "mien/nn/load.h"
#include "mien/nn/temporal.h"
#include "support/test_support.h"

namespace mien {
namespace {

struct Bars {
  double cosine;
  double max_abs;
};

void expect_same(const torch::Tensor& truth, const std::vector<float>& found, const Bars& bars) {
  const torch::Tensor other =
      torch::from_blob(const_cast<float*>(found.data()), truth.sizes(), torch::kFloat32);
  const double cosine = at::cosine_similarity(truth, other, 1).min().item<double>();
  const double difference = (truth - other).abs().max().item<double>();
  EXPECT_GE(cosine, bars.cosine);
  EXPECT_LE(difference, bars.max_abs);
  testing::Test::RecordProperty("cosine", std::to_string(cosine));
  testing::Test::RecordProperty("max_abs", std::to_string(difference));
}

class NnEngine : public testing::TestWithParam<kernels::Precision> {
 protected:
  void SetUp() override { torch::manual_seed(11); }
  Bars bars() const {
    return GetParam() == kernels::Precision::kF32 ? Bars{0.99999, 1e-3} : Bars{0.9995, 0.1};
  }
  std::shared_ptr<const checkpoint::Checkpoint> save(const nn::NamedTorchTensors& tensors,
                                                     const std::string& prefix = "") {
    checkpoint::NamedTensors views;
    for (const auto& [name, tensor] : tensors) {
      views.emplace_back(prefix + name, nn::as_view(tensor));
    }
    EXPECT_TRUE(checkpoint::write_safetensors(dir_ / "w.safetensors", views).ok());
    auto out = checkpoint::open_safetensors(dir_ / "w.safetensors");
    EXPECT_TRUE(out.ok());
    return *out;
  }
  test::TempDir dir_;
  engine::Session session_;
  at::NoGradGuard no_grad_;
};

engine::Architecture small() {
  engine::Architecture out;
  out.embed = 48;
  out.image = {.image_size = 48, .patch = 8, .width = 96, .layers = 3, .heads = 3, .mlp = 384};
  out.text = engine::TextTower{
      .context = 20, .vocabulary = 300, .width = 64, .layers = 3, .heads = 2, .mlp = 256};
  return out;
}

nn::ClipOptions small_nn() {
  return {.visual = {.image_size = 48,
                     .patch = 8,
                     .width = 96,
                     .layers = 3,
                     .heads = 3,
                     .mlp = 384,
                     .embed = 48},
          .text = {.context = 20,
                   .vocabulary = 300,
                   .width = 64,
                   .layers = 3,
                   .heads = 2,
                   .mlp = 256,
                   .embed = 48}};
}

TEST_P(NnEngine, ImageTower) {
  nn::Clip model(small_nn());
  const auto weights = save(model->published());
  const auto encoder = engine::ImageEncoder::load(*weights, small(), GetParam());
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  const torch::Tensor pixels = torch::randn({5, 3, 48, 48});
  std::vector<float> found(5 * 48);
  ASSERT_TRUE((*encoder)->encode(pixels.data_ptr<float>(), 5, found.data(), session_).ok());
  expect_same(model->encode_image(pixels), found, bars());
}

TEST_P(NnEngine, TextTower) {
  nn::Clip model(small_nn());
  const auto weights = save(model->published());
  const auto encoder = engine::TextEncoder::load(weights, small(), GetParam());
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  std::vector<std::vector<std::int32_t>> rows;
  torch::Tensor tokens = torch::zeros({4, 20}, torch::kInt64);
  for (int n = 0; n < 4; ++n) {
    std::vector<std::int32_t> row(20);
    const int length = 3 + 5 * n;
    for (int t = 0; t < length; ++t) row[static_cast<std::size_t>(t)] = 10 * n + t;
    row[static_cast<std::size_t>(length)] = 299;
    for (int t = 0; t < 20; ++t) tokens[n][t] = row[static_cast<std::size_t>(t)];
    rows.push_back(std::move(row));
  }
  std::vector<float> found(4 * 48);
  ASSERT_TRUE((*encoder)->encode(rows, found.data(), session_).ok());
  expect_same(model->encode_text(tokens), found, bars());
}

void compare_temporal(const nn::TemporalOptions& options, std::int64_t clips, std::int64_t frames,
                      const std::shared_ptr<const checkpoint::Checkpoint>& weights,
                      nn::TemporalTransformer& model, kernels::Precision precision,
                      const Bars& bars, engine::Session& session) {
  engine::Architecture architecture = small();
  architecture.embed = options.width;
  architecture.temporal = engine::TemporalTower{.width = options.width,
                                                .layers = options.layers,
                                                .heads = options.heads,
                                                .head_width = options.head_width,
                                                .mlp = options.mlp,
                                                .positions = options.positions};
  const auto encoder = engine::TemporalEncoder::load(*weights, architecture, precision);
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  const torch::Tensor x = torch::randn({clips, frames, options.width});
  std::vector<float> found(static_cast<std::size_t>(clips * options.width));
  ASSERT_TRUE((*encoder)->encode(x.data_ptr<float>(), clips, frames, found.data(), session).ok());
  expect_same(model->forward(x), found, bars);
  EXPECT_FALSE((*encoder)->encode(x.data_ptr<float>(), 1, 0, found.data(), session).ok());
  EXPECT_FALSE(
      (*encoder)->encode(x.data_ptr<float>(), 1, options.positions, found.data(), session).ok());
}

TEST_P(NnEngine, TemporalConventional) {
  const nn::TemporalOptions options = {
      .width = 128, .layers = 3, .heads = 2, .head_width = 64, .mlp = 512, .positions = 40};
  nn::TemporalTransformer model(options);
  const auto weights = save(nn::named_parameters(*model), "temporal.");
  // More clips than one pass holds.
  compare_temporal(options, 41, 16, weights, model, GetParam(), bars(), session_);
}

TEST_P(NnEngine, TemporalOfEmoclip) {
  const nn::TemporalOptions options = {};
  nn::TemporalTransformer model(options);
  const auto weights = save(nn::named_parameters(*model), "temporal.");
  compare_temporal(options, 2, 32, weights, model, GetParam(), bars(), session_);
}

INSTANTIATE_TEST_SUITE_P(Precisions, NnEngine,
                         testing::Values(kernels::Precision::kF32, kernels::Precision::kBf16),
                         [](const auto& tested) {
                           return tested.param == kernels::Precision::kF32 ? "fp32" : "bf16";
                         });

}  // namespace
}  // namespace mien
