// The trainable towers (nn) and the fast ones (engine) on the same random weights.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors.h"
#include "mien/engine/encoders.h"
#include "mien/engine/regressor.h"
#include "mien/engine/temporal.h"
#include "mien/kernels/cpu.h"
#include "nn/attention_pool.h"
#include "nn/clip.h"
#include "nn/load.h"
#include "nn/residual.h"
#include "nn/temporal.h"
#include "nn/words.h"
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

class Saved : public testing::Test {
 protected:
  void SetUp() override { torch::manual_seed(11); }
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

class NnEngine : public Saved, public testing::WithParamInterface<kernels::Precision> {
 protected:
  void SetUp() override {
    if (GetParam() == kernels::Precision::kBf16 && kernels::active_isa() != kernels::Isa::kAvx512) {
      GTEST_SKIP() << "bf16 layers need AVX-512";
    }
  }
  Bars bars() const {
    return GetParam() == kernels::Precision::kF32 ? Bars{0.99999, 1e-3} : Bars{0.9995, 0.1};
  }
};

engine::Architecture small() {
  engine::Architecture out;
  out.embed = 48;
  out.image = engine::VitSizes{
      .image_size = 48, .patch = 8, .width = 96, .layers = 3, .heads = 3, .mlp = 384};
  out.text = engine::ClipTextSizes{
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
  const auto encoder = engine::ImageEncoder::load(*weights, small(), {.precision = GetParam()});
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

void compare_residual(const nn::ResidualOptions& options, int side,
                      const std::shared_ptr<const checkpoint::Checkpoint>& weights,
                      nn::ResidualTower& model, kernels::Precision precision, const Bars& bars,
                      engine::Session& session) {
  engine::Architecture architecture;
  architecture.embed = options.embed;
  architecture.image = engine::ResidualSizes{.image_size = side,
                                             .channels = options.channels,
                                             .stem_kernel = options.stem_kernel,
                                             .stem_stride = options.stem_stride,
                                             .stem_width = options.stem_width,
                                             .stem_pool = options.stem_pool,
                                             .first_stride = options.first_stride,
                                             .widths = options.widths,
                                             .blocks = options.blocks};
  ASSERT_TRUE(engine::check_tensors(*weights, architecture, "test").ok());
  // More pictures than one pass holds.
  constexpr std::int64_t kCount = 40;
  const torch::Tensor pixels = torch::randn({kCount, 3, side, side});
  for (const bool many_pictures : {false, true}) {
    const auto encoder = engine::ImageEncoder::load(
        *weights, architecture, {.precision = precision, .many_pictures = many_pictures});
    ASSERT_TRUE(encoder.ok()) << encoder.status().message();
    std::vector<float> found(static_cast<std::size_t>(kCount * options.embed));
    ASSERT_TRUE((*encoder)->encode(pixels.data_ptr<float>(), kCount, found.data(), session).ok());
    expect_same(model->forward(pixels), found, bars);
    // A picture gets the same numbers in any company.
    std::vector<float> alone(static_cast<std::size_t>(options.embed));
    ASSERT_TRUE((*encoder)->encode(pixels[7].data_ptr<float>(), 1, alone.data(), session).ok());
    for (std::int64_t i = 0; i < options.embed; ++i) {
      EXPECT_NEAR(alone[i], found[7 * options.embed + i], 1e-5 * (1 + std::abs(alone[i])));
    }
  }
}

// Running statistics as after some training, so that folding them matters.
nn::ResidualTower trained_residual(const nn::ResidualOptions& options, int side) {
  nn::ResidualTower model(options);
  model->train();
  for (int i = 0; i < 20; ++i) model->forward(2 * torch::randn({8, 3, side, side}) + 0.3);
  model->eval();
  return model;
}

TEST_P(NnEngine, ResidualGrey) {
  const nn::ResidualOptions options = {
      .stem_width = 16, .widths = {16, 32, 48}, .blocks = {2, 1, 2}, .embed = 32};
  nn::ResidualTower model = trained_residual(options, 44);
  compare_residual(options, 44, save(model->published(), "visual."), model, GetParam(), bars(),
                   session_);
}

TEST_P(NnEngine, ResidualLikeResNet18) {
  const nn::ResidualOptions options = {.channels = 3,
                                       .stem_kernel = 7,
                                       .stem_stride = 2,
                                       .stem_width = 16,
                                       .stem_pool = true,
                                       .first_stride = 1,
                                       .widths = {16, 32},
                                       .blocks = {2, 2},
                                       .embed = 24};
  nn::ResidualTower model = trained_residual(options, 64);
  compare_residual(options, 64, save(model->published(), "visual."), model, GetParam(), bars(),
                   session_);
}

TEST_P(NnEngine, WordTower) {
  const nn::WordTowerOptions options = {.context = 12,
                                        .words = 50,
                                        .buckets = 30,
                                        .word_width = 20,
                                        .width = 64,
                                        .layers = 2,
                                        .heads = 2,
                                        .mlp = 128,
                                        .embed = 32};
  // Rows whose largest value is 127 steps lose nothing when they are made int8 again.
  torch::Tensor table = torch::randint(-127, 128, {50, 20}).to(torch::kFloat32) / 64.0;
  table.select(1, 0).fill_(127.0 / 64.0);
  nn::WordTower model(options, table);
  // The engine's table is int8 with one factor per row; the buckets are rounded to it as well.
  const torch::Tensor factors = model->whole_table().abs().amax(1) / 127.0;
  const torch::Tensor rounded =
      (model->whole_table() / factors.unsqueeze(1).clamp_min(1e-9)).round().to(torch::kInt8);
  nn::NamedTorchTensors tensors;
  for (const auto& [name, tensor] : model->published()) {
    if (name == "buckets") {
      torch::Tensor(tensor).copy_(
          (rounded.to(torch::kFloat32) * factors.unsqueeze(1)).narrow(0, 51, 30));
    } else {
      tensors.emplace_back("words." + name, tensor);
    }
  }
  tensors.emplace_back("words.scale", factors.contiguous());
  checkpoint::NamedTensors views;
  for (const auto& [name, tensor] : tensors) views.emplace_back(name, nn::as_view(tensor));
  views.emplace_back(
      "words.table",
      TensorView(DType::kI8, {81, 20},
                 std::span(static_cast<const std::byte*>(rounded.data_ptr()), 81 * 20)));
  ASSERT_TRUE(checkpoint::write_safetensors(dir_ / "w.safetensors", views).ok());
  const auto weights = checkpoint::open_safetensors(dir_ / "w.safetensors");
  ASSERT_TRUE(weights.ok());
  engine::Architecture architecture;
  architecture.embed = 32;
  architecture.text = engine::WordTextSizes{.context = 12,
                                            .word_width = 20,
                                            .vocabulary = 81,
                                            .width = 64,
                                            .layers = 2,
                                            .heads = 2,
                                            .mlp = 128};
  const auto encoder = engine::TextEncoder::load(*weights, architecture, GetParam());
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  // Lengths 3, 0 (an empty text), 12 (the whole context), 1, 3.
  std::vector<std::vector<std::int32_t>> rows;
  torch::Tensor ids = torch::zeros({5, 12}, torch::kInt64);
  const int lengths[] = {3, 0, 12, 1, 3};
  for (int n = 0; n < 5; ++n) {
    std::vector<std::int32_t> row(12, 0);
    for (int t = 0; t < lengths[n]; ++t) {
      row[static_cast<std::size_t>(t)] = 1 + (n * 17 + t * 23) % 80;
      ids[n][t] = row[static_cast<std::size_t>(t)];
    }
    rows.push_back(std::move(row));
  }
  std::vector<float> found(5 * 32);
  ASSERT_TRUE((*encoder)->encode(rows, found.data(), session_).ok());
  expect_same(model->forward(ids), found, bars());
}

void compare_temporal(const nn::TemporalOptions& options, std::int64_t clips, std::int64_t frames,
                      const std::shared_ptr<const checkpoint::Checkpoint>& weights,
                      nn::TemporalTransformer& model, kernels::Precision precision,
                      const Bars& bars, engine::Session& session) {
  engine::Architecture architecture = small();
  architecture.embed = options.width;
  architecture.temporal = engine::TemporalTransformerSizes{.width = options.width,
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

TEST_P(NnEngine, AttentionPool) {
  nn::AttentionPool model(48, 24);
  for (const auto& [name, tensor] : nn::named_parameters(*model)) {
    torch::Tensor(tensor).copy_(torch::randn_like(tensor));
  }
  const auto weights = save(nn::named_parameters(*model), "temporal.");
  engine::Architecture architecture = small();
  architecture.temporal = engine::AttentionPoolSizes{.width = 48, .hidden = 24, .positions = 13};
  const auto encoder = engine::TemporalEncoder::load(*weights, architecture, GetParam());
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  for (const std::int64_t frames : {1, 2, 12}) {
    const torch::Tensor x = torch::randn({5, frames, 48});
    std::vector<float> found(5 * 48);
    ASSERT_TRUE((*encoder)->encode(x.data_ptr<float>(), 5, frames, found.data(), session_).ok());
    expect_same(model->forward(x), found, bars());
  }
}

// The head is packed in float32 whatever the precision of the towers.
TEST_F(Saved, RegressionHeads) {
  for (const std::int64_t hidden : {std::int64_t{256}, std::int64_t{0}}) {
    const std::int64_t targets = 5;
    nn::NamedTorchTensors tensors = {
        {"mlp.0.weight", torch::randn({hidden > 0 ? hidden : targets, 512}) / 20},
        {"mlp.0.bias", torch::randn({hidden > 0 ? hidden : targets})}};
    if (hidden > 0) {
      tensors.emplace_back("mlp.2.weight", torch::randn({targets, hidden}) / 16);
      tensors.emplace_back("mlp.2.bias", torch::randn({targets}));
    }
    engine::Architecture architecture = small();
    architecture.embed = 512;
    architecture.regression =
        engine::RegressionHead{.hidden = static_cast<int>(hidden), .targets = 5};
    const auto head = engine::Regressor::load(*save(tensors), architecture);
    ASSERT_TRUE(head.ok());
    const torch::Tensor x = 10 * torch::randn({33, 512});
    std::vector<float> found(33 * 5);
    ASSERT_TRUE((*head)->predict(x.data_ptr<float>(), 33, found.data(), session_).ok());
    torch::Tensor y = at::linear(x, tensors[0].second, tensors[1].second);
    if (hidden > 0) y = at::linear(at::relu(y), tensors[2].second, tensors[3].second);
    expect_same(y, found, {0.999999, 1e-3});
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, NnEngine,
                         testing::Values(kernels::Precision::kF32, kernels::Precision::kBf16),
                         [](const auto& tested) {
                           return tested.param == kernels::Precision::kF32 ? "fp32" : "bf16";
                         });

}  // namespace
}  // namespace mien
