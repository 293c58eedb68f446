#include "nn/layers.h"

#include <ATen/ATen.h>

#include <cmath>
#include <string>

#include "nn/activation.h"

namespace mien::nn {

torch::nn::Module& node(torch::nn::Module& root, std::string_view path) {
  torch::nn::Module* at = &root;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    const std::string name(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
    torch::nn::Module* next = nullptr;
    for (const auto& child : at->named_children()) {
      if (child.key() == name) next = child.value().get();
    }
    at = next != nullptr ? next
                         : at->register_module(name, std::make_shared<torch::nn::Module>()).get();
  }
  return *at;
}

void add_norm(torch::nn::Module& root, std::string_view path, int width, torch::Tensor& weight,
              torch::Tensor& bias) {
  torch::nn::Module& at = node(root, path);
  weight = at.register_parameter("weight", torch::ones({width}));
  bias = at.register_parameter("bias", torch::zeros({width}));
}

void add_linear(torch::nn::Module& root, std::string_view path, int in, int out,
                torch::Tensor& weight, torch::Tensor* bias) {
  torch::nn::Module& at = node(root, path);
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  weight = at.register_parameter("weight", torch::empty({out, in}).uniform_(-bound, bound));
  if (bias != nullptr) {
    *bias = at.register_parameter("bias", torch::empty({out}).uniform_(-bound, bound));
  }
}

torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, 1e-5);
}

torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                        const torch::Tensor& mask) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(-1)));
  torch::Tensor logits = at::matmul(q, k.transpose(-2, -1)) * scale;
  if (mask.defined()) logits = logits + mask;
  return at::matmul(at::softmax(logits, -1), v);
}

torch::Tensor activate(const torch::Tensor& x, Nonlinearity activation) {
  switch (activation) {
    case Nonlinearity::kQuickGelu: return x * at::sigmoid(1.702 * x);
    case Nonlinearity::kGelu: return at::gelu(x);
    case Nonlinearity::kGeluTanh: break;
  }
  return at::gelu(x, "tanh");
}

}  // namespace mien::nn
