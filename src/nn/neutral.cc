#include "nn/neutral.h"

#include <ATen/ATen.h>

#include "nn/layers.h"

namespace mien::nn {

NeutralNetworkImpl::NeutralNetworkImpl(int embed, int hidden) {
  add_linear(*this, "0", embed, hidden, in_weight_, &in_bias_);
  add_linear(*this, "2", hidden, embed, out_weight_, &out_bias_);
}

torch::Tensor NeutralNetworkImpl::forward(const torch::Tensor& features) const {
  return at::linear(at::linear(features, in_weight_, in_bias_).relu(), out_weight_, out_bias_);
}

}  // namespace mien::nn
