#include "nn/clip.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string>

#include "nn/layers.h"

namespace mien::nn {
namespace {

torch::Tensor random(at::IntArrayRef shape, double std) { return torch::randn(shape) * std; }

double inverse_root(double x) { return 1.0 / std::sqrt(x); }

}  // namespace

struct ResidualBlocks::Block {
  torch::Tensor ln_1_weight, ln_1_bias, ln_2_weight, ln_2_bias;
  torch::Tensor in_weight, in_bias, out_weight, out_bias;
  torch::Tensor fc_weight, fc_bias, proj_weight, proj_bias;
};

ResidualBlocks::ResidualBlocks(int width, int layers, int heads, int mlp, Nonlinearity activation)
    : heads_(heads), activation_(activation) {
  const double proj_std = inverse_root(width) * inverse_root(2.0 * layers);
  for (int i = 0; i < layers; ++i) {
    auto block = std::make_shared<Block>();
    const std::string name = "resblocks." + std::to_string(i) + ".";
    add_norm(*this, name + "ln_1", width, block->ln_1_weight, block->ln_1_bias);
    torch::nn::Module& attn = node(*this, name + "attn");
    block->in_weight =
        attn.register_parameter("in_proj_weight", random({3 * width, width}, inverse_root(width)));
    block->in_bias = attn.register_parameter("in_proj_bias", torch::zeros({3 * width}));
    add_linear(attn, "out_proj", width, width, block->out_weight, &block->out_bias);
    add_norm(*this, name + "ln_2", width, block->ln_2_weight, block->ln_2_bias);
    add_linear(*this, name + "mlp.c_fc", width, mlp, block->fc_weight, &block->fc_bias);
    add_linear(*this, name + "mlp.c_proj", mlp, width, block->proj_weight, &block->proj_bias);
    const at::NoGradGuard initial;
    block->out_weight.normal_(0, proj_std);
    block->out_bias.zero_();
    block->fc_weight.normal_(0, inverse_root(2.0 * width));
    block->proj_weight.normal_(0, proj_std);
    blocks_.push_back(std::move(block));
  }
}

torch::Tensor ResidualBlocks::forward(torch::Tensor x, const torch::Tensor& mask) {
  const std::int64_t batch = x.size(0);
  const std::int64_t tokens = x.size(1);
  const std::int64_t width = x.size(2);
  for (const auto& b : blocks_) {
    const torch::Tensor qkv =
        at::linear(norm(x, b->ln_1_weight, b->ln_1_bias), b->in_weight, b->in_bias)
            .view({batch, tokens, 3, heads_, width / heads_})
            .permute({2, 0, 3, 1, 4});
    const torch::Tensor attended =
        attention(qkv[0], qkv[1], qkv[2], mask).transpose(1, 2).reshape({batch, tokens, width});
    x = x + at::linear(attended, b->out_weight, b->out_bias);
    const torch::Tensor hidden = activate(
        at::linear(norm(x, b->ln_2_weight, b->ln_2_bias), b->fc_weight, b->fc_bias), activation_);
    x = x + at::linear(hidden, b->proj_weight, b->proj_bias);
  }
  return x;
}

VitImpl::VitImpl(const VitOptions& options) : options_(options) {
  const int width = options.width;
  const int grid = options.image_size / options.patch;
  const double scale = inverse_root(width);
  const double bound = inverse_root(3.0 * options.patch * options.patch);
  conv1_ = node(*this, "conv1")
               .register_parameter(
                   "weight",
                   torch::empty({width, 3, options.patch, options.patch}).uniform_(-bound, bound));
  class_embedding_ = register_parameter("class_embedding", random({width}, scale));
  positional_embedding_ =
      register_parameter("positional_embedding", random({grid * grid + 1, width}, scale));
  add_norm(*this, "ln_pre", width, ln_pre_weight_, ln_pre_bias_);
  transformer_ = register_module(
      "transformer", std::make_shared<ResidualBlocks>(width, options.layers, options.heads,
                                                      options.mlp, options.activation));
  add_norm(*this, "ln_post", width, ln_post_weight_, ln_post_bias_);
  proj_ = register_parameter("proj", random({width, options.embed}, scale));
}

torch::Tensor VitImpl::first_map(const torch::Tensor& pixels) {
  return at::conv2d(pixels, conv1_, {}, options_.patch);
}

torch::Tensor VitImpl::forward(const torch::Tensor& pixels) {
  const std::int64_t count = pixels.size(0);
  torch::Tensor x = first_map(pixels).flatten(2).transpose(1, 2);
  const torch::Tensor first = class_embedding_.expand({count, 1, options_.width});
  x = torch::cat({first.to(x.scalar_type()), x}, 1) + positional_embedding_;
  x = transformer_->forward(norm(x, ln_pre_weight_, ln_pre_bias_), {});
  return at::matmul(norm(x.select(1, 0), ln_post_weight_, ln_post_bias_), proj_);
}

TextTowerImpl::TextTowerImpl(const TextTowerOptions& options) {
  const int width = options.width;
  token_embedding_ = node(*this, "token_embedding")
                         .register_parameter("weight", random({options.vocabulary, width}, 0.02));
  positional_embedding_ =
      register_parameter("positional_embedding", random({options.context, width}, 0.01));
  transformer_ = register_module(
      "transformer", std::make_shared<ResidualBlocks>(width, options.layers, options.heads,
                                                      options.mlp, options.activation));
  add_norm(*this, "ln_final", width, ln_final_weight_, ln_final_bias_);
  text_projection_ =
      register_parameter("text_projection", random({width, options.embed}, inverse_root(width)));
  mask_ = torch::full({options.context, options.context}, -INFINITY).triu(1);
}

torch::Tensor TextTowerImpl::forward(const torch::Tensor& tokens) {
  const torch::Tensor ends = tokens.argmax(-1);
  // The tower is causal: what lies behind the longest text of the batch changes nothing.
  const std::int64_t length = ends.max().item<std::int64_t>() + 1;
  return forward_vectors(token_vectors(tokens.narrow(1, 0, length)), ends);
}

torch::Tensor TextTowerImpl::token_vectors(const torch::Tensor& ids) const {
  return at::embedding(token_embedding_, ids);
}

torch::Tensor TextTowerImpl::forward_vectors(const torch::Tensor& vectors,
                                             const torch::Tensor& ends) const {
  const std::int64_t length = vectors.size(1);
  torch::Tensor x = vectors + positional_embedding_.narrow(0, 0, length);
  const torch::Tensor mask =
      mask_.narrow(0, 0, length).narrow(1, 0, length).to(x.device(), x.scalar_type());
  x = norm(transformer_->forward(x, mask), ln_final_weight_, ln_final_bias_);
  const torch::Tensor rows = torch::arange(ends.size(0), ends.options());
  return at::matmul(x.index({rows, ends}), text_projection_);
}

ClipImpl::ClipImpl(const ClipOptions& options) {
  visual_ = register_module("visual", Vit(options.visual));
  text_ = register_module("text", TextTower(options.text));
}

std::vector<std::pair<std::string, torch::Tensor>> ClipImpl::published() const {
  std::vector<std::pair<std::string, torch::Tensor>> out;
  for (const auto& item : visual_->named_parameters()) {
    out.emplace_back("visual." + item.key(), item.value());
  }
  for (const auto& item : text_->named_parameters()) out.emplace_back(item.key(), item.value());
  return out;
}

}  // namespace mien::nn
