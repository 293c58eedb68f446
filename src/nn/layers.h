#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <memory>
#include <string_view>

namespace mien::nn {

/// The module below `root` at a dotted path; empty modules are registered on the way, so that
/// parameters get the published names.
torch::nn::Module& node(torch::nn::Module& root, std::string_view path);

/// Registers `path`.weight and .bias of a layer norm (ones and zeros).
void add_norm(torch::nn::Module& root, std::string_view path, int width, torch::Tensor& weight,
              torch::Tensor& bias);
/// Registers `path`.weight [out, in] and, unless `bias` is null, .bias, with PyTorch's default
/// initialisation of a linear layer.
void add_linear(torch::nn::Module& root, std::string_view path, int in, int out,
                torch::Tensor& weight, torch::Tensor* bias);

torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias);

/// Scaled dot-product attention. Shape: q, k, v [batch, heads, tokens, head] -> the same.
torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const torch::Tensor& mask);

}  // namespace mien::nn
