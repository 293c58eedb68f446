#include "nn/attention_pool.h"

#include <ATen/ATen.h>

#include "nn/layers.h"

namespace mien::nn {

AttentionPoolImpl::AttentionPoolImpl(int width, int hidden) {
  add_linear(*this, "score.0", 3 * width, hidden, weight_, &bias_);
  score_ = node(*this, "score.2").register_parameter("weight", torch::zeros({1, hidden}));
}

torch::Tensor AttentionPoolImpl::forward(const torch::Tensor& frames_btw) {
  const std::int64_t frames = frames_btw.size(1);
  const torch::Tensor unit = frames_btw / frames_btw.norm(2, -1, true).clamp_min(1e-12);
  const torch::Tensor mean = unit.mean(1, true);
  const torch::Tensor before = at::cat({unit.narrow(1, 0, 1), unit.narrow(1, 0, frames - 1)}, 1);
  const torch::Tensor after =
      at::cat({unit.narrow(1, 1, frames - 1), unit.narrow(1, frames - 1, 1)}, 1);
  const torch::Tensor near = (before + unit + after) / 3;
  const torch::Tensor seen = at::cat({unit, unit - mean, near - mean}, -1);
  const torch::Tensor scores = at::linear(at::linear(seen, weight_, bias_).tanh(), score_);
  return (scores.softmax(1) * unit).sum(1);
}

}  // namespace mien::nn
