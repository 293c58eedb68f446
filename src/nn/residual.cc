#include "nn/residual.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "nn/layers.h"

namespace mien::nn {
namespace {

constexpr double kMomentum = 0.1;
constexpr double kEps = 1e-5;

// He's initialisation over the outputs, as torchvision starts its ResNets.
torch::Tensor add_conv(torch::nn::Module& root, const std::string& path, int in, int out,
                       int kernel) {
  const double std = std::sqrt(2.0 / (static_cast<double>(out) * kernel * kernel));
  return node(root, path)
      .register_parameter("weight", torch::randn({out, in, kernel, kernel}) * std);
}

}  // namespace

ResidualTowerImpl::Norm ResidualTowerImpl::add_batch_norm(const std::string& path, int width) {
  Norm out;
  add_norm(*this, path, width, out.weight, out.bias);
  out.mean = node(*this, path).register_buffer("running_mean", torch::zeros({width}));
  out.variance = node(*this, path).register_buffer("running_var", torch::ones({width}));
  return out;
}

ResidualTowerImpl::ResidualTowerImpl(const ResidualOptions& options) : options_(options) {
  stem_ = add_conv(*this, "conv1", options.channels, options.stem_width, options.stem_kernel);
  stem_norm_ = add_batch_norm("bn1", options.stem_width);
  int in = options.stem_width;
  for (std::size_t stage = 0; stage < options.widths.size(); ++stage) {
    const int out = options.widths[stage];
    for (int i = 0; i < options.blocks[stage]; ++i) {
      const std::string name = fmt::format("layer{}.{}.", stage + 1, i);
      Block block;
      block.stride = i > 0 ? 1 : stage == 0 ? options.first_stride : 2;
      block.conv1 = add_conv(*this, name + "conv1", in, out, 3);
      block.norm1 = add_batch_norm(name + "bn1", out);
      block.conv2 = add_conv(*this, name + "conv2", out, out, 3);
      block.norm2 = add_batch_norm(name + "bn2", out);
      if (block.stride != 1 || in != out) {
        block.shortcut = add_conv(*this, name + "downsample.0", in, out, 1);
        block.shortcut_norm = add_batch_norm(name + "downsample.1", out);
      }
      blocks_.push_back(std::move(block));
      in = out;
    }
  }
  if (options.embed == 0) return;
  proj_ = register_parameter(
      "proj", torch::randn({in, options.embed}) / std::sqrt(static_cast<double>(in)));
}

torch::Tensor ResidualTowerImpl::normalise(const torch::Tensor& x, const Norm& norm) const {
  return at::batch_norm(x, norm.weight, norm.bias, norm.mean, norm.variance, is_training(),
                        kMomentum, kEps, false);
}

torch::Tensor ResidualTowerImpl::run(const torch::Tensor& x, const Block& block) const {
  torch::Tensor rest = x;
  if (block.shortcut.defined()) {
    rest = normalise(at::conv2d(x, block.shortcut, {}, block.stride), block.shortcut_norm);
  }
  torch::Tensor y = normalise(at::conv2d(x, block.conv1, {}, block.stride, 1), block.norm1).relu();
  y = normalise(at::conv2d(y, block.conv2, {}, 1, 1), block.norm2);
  return (y + rest).relu();
}

torch::Tensor ResidualTowerImpl::first_map(const torch::Tensor& pixels) {
  // oneDNN's kernels are faster when the channels of a place lie together.
  torch::Tensor x =
      pixels.narrow(1, 0, options_.channels).contiguous(at::MemoryFormat::ChannelsLast);
  x = at::conv2d(x, stem_, {}, options_.stem_stride, options_.stem_kernel / 2);
  return normalise(x, stem_norm_).relu();
}

torch::Tensor ResidualTowerImpl::features(const torch::Tensor& pixels) {
  torch::Tensor x = first_map(pixels);
  if (options_.stem_pool) x = at::max_pool2d(x, 3, 2, 1);
  for (const Block& block : blocks_) x = run(x, block);
  return x.to(torch::kFloat32).mean({2, 3});
}

torch::Tensor ResidualTowerImpl::project(const torch::Tensor& features) {
  return proj_.defined() ? at::matmul(features, proj_) : features;
}

}  // namespace mien::nn
