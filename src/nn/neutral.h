#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace mien::nn {

/// Predicts the feature of the same face without an expression: linear, relu, linear with PyTorch's
/// default initialisation, named `0` and `2`. Source: E2N-FER (arXiv 2409.08598).
class NeutralNetworkImpl : public torch::nn::Module {
 public:
  NeutralNetworkImpl(int embed, int hidden);
  /// Shape: raw features [N, embed] -> [N, embed].
  torch::Tensor forward(const torch::Tensor& features) const;

 private:
  torch::Tensor in_weight_, in_bias_, out_weight_, out_bias_;
};
TORCH_MODULE(NeutralNetwork);

}  // namespace mien::nn
