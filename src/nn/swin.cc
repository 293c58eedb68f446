#include "nn/swin.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "mien/core/check.h"
#include "nn/activation.h"
#include "nn/layers.h"

namespace mien::nn {
namespace {

constexpr double kHeadEps = 2e-5;
constexpr double kHeadMomentum = 0.1;
constexpr double kInitialStd = 0.02;
constexpr double kHidden = -100.0;  // added to the scores of tokens that are not neighbours

// A linear layer that starts as Swin does: N(0, 0.02) and no bias.
void add_small_linear(torch::nn::Module& root, const std::string& path, int in, int out,
                      torch::Tensor& weight, torch::Tensor* bias) {
  add_linear(root, path, in, out, weight, bias);
  const at::NoGradGuard initial;
  weight.normal_(0, kInitialStd);
  if (bias != nullptr) bias->zero_();
}

// Shape: [window^4], for every pair of tokens the row of their offset.
torch::Tensor relative_index(int window) {
  const int tokens = window * window;
  torch::Tensor out = torch::empty({tokens * tokens}, torch::kInt64);
  auto* to = out.data_ptr<std::int64_t>();
  for (int i = 0; i < tokens; ++i) {
    for (int j = 0; j < tokens; ++j) {
      const int down = i / window - j / window + window - 1;
      const int right = i % window - j % window + window - 1;
      *to++ = down * (2 * window - 1) + right;
    }
  }
  return out;
}

// Shape: [N, side, side, C] -> [N, windows, tokens, C], and back.
torch::Tensor to_windows(const torch::Tensor& x, int window) {
  const std::int64_t n = x.size(0), grid = x.size(1) / window, width = x.size(3);
  return x.view({n, grid, window, grid, window, width})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({n, grid * grid, window * window, width});
}

torch::Tensor from_windows(const torch::Tensor& x, std::int64_t side, int window) {
  const std::int64_t n = x.size(0), grid = side / window, width = x.size(3);
  return x.view({n, grid, grid, window, window, width})
      .permute({0, 1, 3, 2, 4, 5})
      .reshape({n, side, side, width});
}

// Tokens that a shift brought together from opposite borders do not see each other.
// Shape: [windows, 1, tokens, tokens].
torch::Tensor shift_mask(int side, int window, int shift) {
  torch::Tensor region = torch::zeros({1, side, side, 1});
  auto* to = region.data_ptr<float>();
  const auto band = [&](int at) { return at < side - window ? 0 : at < side - shift ? 1 : 2; };
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) *to++ = static_cast<float>(3 * band(y) + band(x));
  }
  const torch::Tensor rows = to_windows(region, window).squeeze(0).squeeze(-1);
  const torch::Tensor apart = rows.unsqueeze(1).ne(rows.unsqueeze(2));
  return apart.to(torch::kFloat32).mul(kHidden).unsqueeze(1);
}

}  // namespace

struct SwinImpl::Block {
  torch::Tensor norm1_weight, norm1_bias, norm2_weight, norm2_bias, table;
  torch::Tensor qkv_weight, qkv_bias, proj_weight, proj_bias;
  torch::Tensor fc1_weight, fc1_bias, fc2_weight, fc2_bias;
  torch::Tensor mask;  // undefined without a shift
  int heads = 1;
  int shift = 0;
  double drop = 0;
};

SwinImpl::BatchNorm SwinImpl::add_batch_norm(const std::string& path, int width) {
  BatchNorm out;
  add_norm(*this, path, width, out.weight, out.bias);
  out.mean = node(*this, path).register_buffer("running_mean", torch::zeros({width}));
  out.variance = node(*this, path).register_buffer("running_var", torch::ones({width}));
  return out;
}

std::shared_ptr<SwinImpl::Block> SwinImpl::add_block(int stage, int number) {
  auto b = std::make_shared<Block>();
  const int width = options_.width << stage;
  const int side = options_.image_size / options_.patch >> stage;
  const int window = options_.window;
  b->heads = options_.heads[static_cast<std::size_t>(stage)];
  b->shift = number % 2 == 1 && side > window ? window / 2 : 0;
  const std::string name = fmt::format("layers.{}.blocks.{}.", stage, number);
  add_norm(*this, name + "norm1", width, b->norm1_weight, b->norm1_bias);
  const int offsets = 2 * window - 1;
  b->table = node(*this, name + "attn")
                 .register_parameter("relative_position_bias_table",
                                     torch::randn({offsets * offsets, b->heads}) * kInitialStd);
  add_small_linear(*this, name + "attn.qkv", width, 3 * width, b->qkv_weight, &b->qkv_bias);
  add_small_linear(*this, name + "attn.proj", width, width, b->proj_weight, &b->proj_bias);
  add_norm(*this, name + "norm2", width, b->norm2_weight, b->norm2_bias);
  const int mlp = options_.mlp_ratio * width;
  add_small_linear(*this, name + "mlp.fc1", width, mlp, b->fc1_weight, &b->fc1_bias);
  add_small_linear(*this, name + "mlp.fc2", mlp, width, b->fc2_weight, &b->fc2_bias);
  if (b->shift > 0) b->mask = shift_mask(side, window, b->shift);
  return b;
}

SwinImpl::SwinImpl(const SwinOptions& options)
    : options_(options), index_(relative_index(options.window)) {
  const int width = options.width;
  const double bound = 1.0 / std::sqrt(3.0 * options.patch * options.patch);
  torch::nn::Module& embed = node(*this, "patch_embed.proj");
  patch_weight_ = embed.register_parameter(
      "weight", torch::empty({width, 3, options.patch, options.patch}).uniform_(-bound, bound));
  patch_bias_ = embed.register_parameter("bias", torch::empty({width}).uniform_(-bound, bound));
  add_norm(*this, "patch_embed.norm", width, patch_norm_weight_, patch_norm_bias_);
  int blocks = 0, number = 0;
  for (const int depth : options.depths) blocks += depth;
  const int stages = static_cast<int>(options.depths.size());
  for (int stage = 0; stage < stages; ++stage) {
    const int side = options.image_size / options.patch >> stage;
    MIEN_CHECK(side > 0 && side % options.window == 0);
    auto& list = stages_.emplace_back();
    for (int i = 0; i < options.depths[static_cast<std::size_t>(stage)]; ++i, ++number) {
      list.push_back(add_block(stage, i));
      list.back()->drop = blocks > 1 ? options.drop_path * number / (blocks - 1) : 0.0;
    }
    if (stage + 1 == stages) break;
    const std::string name = fmt::format("layers.{}.downsample.", stage);
    const int wide = 4 * width << stage;
    Merge& part = merges_.emplace_back();
    add_small_linear(*this, name + "reduction", wide, wide / 2, part.reduction, nullptr);
    add_norm(*this, name + "norm", wide, part.norm_weight, part.norm_bias);
  }
  const int last = width << (stages - 1);
  add_norm(*this, "norm", last, norm_weight_, norm_bias_);
  if (!options.feature_head) return;
  add_small_linear(*this, "feature.0", last, last, feature_in_, nullptr);
  feature_in_norm_ = add_batch_norm("feature.1", last);
  add_small_linear(*this, "feature.2", last, options.embed, feature_out_, nullptr);
  feature_out_norm_ = add_batch_norm("feature.3", options.embed);
}

torch::Tensor SwinImpl::normalise(const torch::Tensor& x, const BatchNorm& norm) const {
  return at::batch_norm(x, norm.weight, norm.bias, norm.mean, norm.variance, is_training(),
                        kHeadMomentum, kHeadEps, false);
}

torch::Tensor SwinImpl::drop(const torch::Tensor& x, double share) const {
  if (!is_training() || share <= 0) return x;
  const torch::Tensor kept = torch::rand({x.size(0), 1, 1, 1}).ge(share).to(x.scalar_type());
  return x * (kept / (1 - share));
}

torch::Tensor SwinImpl::attend(const torch::Tensor& x, const Block& b) const {
  const int window = options_.window;
  const std::int64_t side = x.size(1), width = x.size(3), tokens = window * window;
  const torch::Tensor moved = b.shift > 0 ? at::roll(x, {-b.shift, -b.shift}, {1, 2}) : x;
  const torch::Tensor rows = to_windows(moved, window);
  const std::int64_t n = rows.size(0), windows = rows.size(1);
  const torch::Tensor qkv = at::linear(rows, b.qkv_weight, b.qkv_bias)
                                .view({n, windows, tokens, 3, b.heads, width / b.heads})
                                .permute({3, 0, 1, 4, 2, 5});
  torch::Tensor bias =
      b.table.index_select(0, index_).view({tokens, tokens, b.heads}).permute({2, 0, 1});
  if (b.mask.defined()) bias = bias + b.mask.to(bias.scalar_type());
  const torch::Tensor attended =
      attention(qkv[0], qkv[1], qkv[2], bias).transpose(2, 3).reshape({n, windows, tokens, width});
  const torch::Tensor back =
      from_windows(at::linear(attended, b.proj_weight, b.proj_bias), side, window);
  return b.shift > 0 ? at::roll(back, {b.shift, b.shift}, {1, 2}) : back;
}

torch::Tensor SwinImpl::run(const torch::Tensor& x, const Block& b) const {
  const torch::Tensor y = x + drop(attend(norm(x, b.norm1_weight, b.norm1_bias), b), b.drop);
  const torch::Tensor hidden =
      activate(at::linear(norm(y, b.norm2_weight, b.norm2_bias), b.fc1_weight, b.fc1_bias),
               Nonlinearity::kGelu);
  return y + drop(at::linear(hidden, b.fc2_weight, b.fc2_bias), b.drop);
}

// Four neighbours become one place: left above, left below, right above, right below.
torch::Tensor SwinImpl::merge(const torch::Tensor& x, const Merge& part) {
  const std::int64_t n = x.size(0), half = x.size(1) / 2, width = x.size(3);
  const torch::Tensor four = x.view({n, half, 2, half, 2, width})
                                 .permute({0, 1, 3, 4, 2, 5})
                                 .reshape({n, half, half, 4 * width});
  return at::linear(norm(four, part.norm_weight, part.norm_bias), part.reduction);
}

torch::Tensor SwinImpl::forward(const torch::Tensor& pixels) {
  torch::Tensor x =
      at::conv2d(pixels, patch_weight_, patch_bias_, options_.patch).permute({0, 2, 3, 1});
  x = norm(x, patch_norm_weight_, patch_norm_bias_);
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    for (const auto& block : stages_[stage]) x = run(x, *block);
    if (stage < merges_.size()) x = merge(x, merges_[stage]);
  }
  const torch::Tensor mean =
      norm(x, norm_weight_, norm_bias_).to(pixels.scalar_type()).mean({1, 2});
  if (!options_.feature_head) return mean;
  const torch::Tensor inner = normalise(at::linear(mean, feature_in_), feature_in_norm_);
  return normalise(at::linear(inner, feature_out_), feature_out_norm_);
}

}  // namespace mien::nn
