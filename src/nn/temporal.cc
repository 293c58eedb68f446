#include "nn/temporal.h"

#include <ATen/ATen.h>

#include <string>

#include "mien/core/check.h"
#include "nn/activation.h"
#include "nn/layers.h"
#include "nn/temporal_attention.h"

namespace mien::nn {

struct TemporalTransformerImpl::Block {
  torch::Tensor norm_1_weight, norm_1_bias, qkv, out_weight, out_bias;
  torch::Tensor norm_2_weight, norm_2_bias, in_weight, in_bias, end_weight, end_bias;
};

TemporalTransformerImpl::TemporalTransformerImpl(const TemporalOptions& options)
    : options_(options) {
  const int width = options.width;
  const int inner = options.heads * options.head_width;
  cls_token_ = register_parameter("cls_token", torch::randn({1, 1, width}));
  pos_embedding_ = register_parameter("pos_embedding", torch::randn({1, options.positions, width}));
  for (int i = 0; i < options.layers; ++i) {
    auto b = std::make_shared<Block>();
    const std::string name = "temporal_transformer.layers." + std::to_string(i) + ".";
    add_norm(*this, name + "0.fn.norm", width, b->norm_1_weight, b->norm_1_bias);
    add_linear(*this, name + "0.fn.fn.to_qkv", width, 3 * inner, b->qkv, nullptr);
    add_linear(*this, name + "0.fn.fn.to_out.0", inner, width, b->out_weight, &b->out_bias);
    add_norm(*this, name + "1.fn.norm", width, b->norm_2_weight, b->norm_2_bias);
    add_linear(*this, name + "1.fn.fn.net.0", width, options.mlp, b->in_weight, &b->in_bias);
    add_linear(*this, name + "1.fn.fn.net.3", options.mlp, width, b->end_weight, &b->end_bias);
    blocks_.push_back(std::move(b));
  }
}

torch::Tensor TemporalTransformerImpl::forward(const torch::Tensor& frames_btw) {
  const std::int64_t batch = frames_btw.size(0);
  const std::int64_t tokens = frames_btw.size(1) + 1;
  MIEN_CHECK(tokens <= options_.positions && frames_btw.size(2) == options_.width);
  torch::Tensor x = torch::cat({cls_token_.expand({batch, 1, options_.width}), frames_btw}, 1) +
                    pos_embedding_.narrow(1, 0, tokens);
  for (const auto& b : blocks_) {
    // Nothing reads the other tokens of the last block.
    const bool last = b == blocks_.back();
    const AttentionSizes sizes = {.batch = batch,
                                  .tokens = tokens,
                                  .queries = last ? 1 : tokens,
                                  .width = options_.width,
                                  .heads = options_.heads,
                                  .head_width = options_.head_width};
    const torch::Tensor attended = attend(norm(x, b->norm_1_weight, b->norm_1_bias), b->qkv,
                                          b->out_weight, b->out_bias, sizes, cheapest_order(sizes));
    x = x.narrow(1, 0, sizes.queries) + attended;
    const torch::Tensor hidden =
        activate(at::linear(norm(x, b->norm_2_weight, b->norm_2_bias), b->in_weight, b->in_bias),
                 Nonlinearity::kGeluTanh);
    x = x + at::linear(hidden, b->end_weight, b->end_bias);
  }
  return x.select(1, 0);
}

}  // namespace mien::nn
