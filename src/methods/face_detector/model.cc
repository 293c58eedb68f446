#include "methods/face_detector/model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

namespace mien::methods {
namespace {

constexpr double kPyramidMomentum = 0.03;
constexpr double kPyramidEps = 1e-5;
// Pixels are divided by this while training; black stays 0, as the border is.
constexpr double kPixelScale = 128;
// A place is a face in one of a hundred at the start, so that the many others do not drown it.
constexpr double kFirstScore = -4.6;
// Sides are at most e^6 strides: a first step that is too long stays a number.
constexpr double kMostLogSide = 6;

torch::nn::Module& child_of(torch::nn::Module& root, const std::string& path) {
  torch::nn::Module* at = &root;
  std::size_t from = 0;
  while (from < path.size()) {
    const std::size_t end = std::min(path.find('.', from), path.size());
    const std::string name = path.substr(from, end - from);
    const auto children = at->named_children();
    if (!children.contains(name)) {
      at->register_module(name, std::make_shared<torch::nn::Module>());
    }
    at = at->named_children()[name].get();
    from = end + 1;
  }
  return *at;
}

}  // namespace

PyramidNetImpl::Norm PyramidNetImpl::add_norm(const std::string& name, int width) {
  torch::nn::Module& at = child_of(*this, name + ".norm");
  return {at.register_parameter("weight", torch::ones({width})),
          at.register_parameter("bias", torch::zeros({width})),
          at.register_buffer("running_mean", torch::zeros({width})),
          at.register_buffer("running_var", torch::ones({width}))};
}

PyramidNetImpl::Layer PyramidNetImpl::add_layer(const std::string& name, int in, int out,
                                                bool answers) {
  Layer layer;
  layer.name = name;
  torch::nn::Module& at = child_of(*this, name);
  layer.point = at.register_parameter("point", torch::randn({out, in, 1, 1}) * std::sqrt(1.0 / in));
  layer.depth =
      at.register_parameter("depth", torch::randn({out, 1, 3, 3}) * (answers ? 0.1 : 1.0 / 3));
  if (answers) {
    torch::Tensor bias = torch::zeros({out});
    bias[0] = kFirstScore;
    layer.bias = at.register_parameter("bias", bias);
  } else {
    layer.norm = add_norm(name, out);
  }
  return layer;
}

void PyramidNetImpl::reset_momentum() { momentum_ = kPyramidMomentum; }

PyramidNetImpl::PyramidNetImpl(const engine::PyramidSizes& sizes)
    : sizes_(sizes), momentum_(kPyramidMomentum) {
  const int kernel = sizes.stem_kernel;
  stem_ = child_of(*this, "stem")
              .register_parameter("weight", torch::randn({sizes.stem_width, 3, kernel, kernel}) *
                                                std::sqrt(2.0 / (3.0 * kernel * kernel)));
  stem_norm_ = add_norm("stem", sizes.stem_width);
  int in = sizes.stem_width;
  for (std::size_t s = 0; s < sizes.stages.size(); ++s) {
    std::vector<Layer>& layers = stages_.emplace_back();
    for (const int out : sizes.stages[s].widths) {
      layers.push_back(add_layer(fmt::format("stages.{}.{}", s, layers.size()), in, out, false));
      in = out;
    }
  }
  for (int l = 0; l < sizes.levels; ++l) {
    laterals_.push_back(add_layer(fmt::format("lateral.{}", l), in, in, false));
    std::vector<Layer>& shared = shared_.emplace_back();
    for (int i = 0; i < sizes.shared; ++i) {
      shared.push_back(add_layer(fmt::format("shared.{}.{}", l, i), in, in, false));
    }
    answers_.push_back(add_layer(fmt::format("answers.{}", l), in, kPlaceAnswers, true));
  }
}

torch::Tensor PyramidNetImpl::normalise(const torch::Tensor& x, const Norm& norm) const {
  return at::batch_norm(x, norm.weight, norm.bias, norm.mean, norm.variance, is_training(),
                        momentum_, kPyramidEps, false)
      .relu_();
}

torch::Tensor PyramidNetImpl::run(const torch::Tensor& x, const Layer& layer) const {
  const torch::Tensor inner = at::conv2d(x, layer.point);
  const torch::Tensor out =
      at::conv2d(inner, layer.depth, layer.bias, 1, 1, 1, layer.depth.size(0));
  return layer.bias.defined() ? out : normalise(out, layer.norm);
}

torch::Tensor PyramidNetImpl::forward(const torch::Tensor& pictures) {
  // oneDNN's kernels are faster when the channels of a place lie together.
  torch::Tensor x =
      (pictures.to(torch::kFloat32) / kPixelScale).contiguous(at::MemoryFormat::ChannelsLast);
  x = normalise(at::conv2d(x, stem_, {}, sizes_.stem_stride, sizes_.stem_kernel / 2), stem_norm_);
  std::vector<torch::Tensor> ends;
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    if (sizes_.stages[s].halve) x = at::max_pool2d(x, 2);
    for (const Layer& layer : stages_[s]) x = run(x, layer);
    ends.push_back(x);
  }
  std::vector<torch::Tensor> out(laterals_.size());
  torch::Tensor coarser;
  for (std::size_t l = laterals_.size(); l-- > 0;) {
    torch::Tensor here = ends[ends.size() - laterals_.size() + l];
    if (coarser.defined()) {
      here = here + at::upsample_nearest2d(coarser, {here.size(2), here.size(3)});
    }
    coarser = run(here, laterals_[l]);
    torch::Tensor level = coarser;
    for (const Layer& layer : shared_[l]) level = run(level, layer);
    level = run(level, answers_[l]).permute({0, 2, 3, 1});
    out[l] = level.reshape({level.size(0), level.size(1) * level.size(2), kPlaceAnswers});
  }
  return at::cat(out, 1);
}

NamedTorchTensors PyramidNetImpl::published() const {
  NamedTorchTensors out;
  for (const auto& item : named_parameters()) out.emplace_back(item.key(), item.value());
  for (const auto& item : named_buffers()) out.emplace_back(item.key(), item.value());
  return out;
}

NamedTorchTensors PyramidNetImpl::folded() const {
  const at::NoGradGuard no_grad;
  NamedTorchTensors out;
  const auto factor = [](const Norm& norm) {
    return norm.weight / (norm.variance + kPyramidEps).sqrt();
  };
  const auto shift = [&](const Norm& norm) { return norm.bias - norm.mean * factor(norm); };
  const torch::Tensor stem_factor = factor(stem_norm_).reshape({-1, 1, 1, 1});
  out.emplace_back("stem.weight", stem_ * stem_factor / kPixelScale);
  out.emplace_back("stem.bias", shift(stem_norm_));
  const auto add = [&](const Layer& layer) {
    torch::Tensor point = layer.point, depth = layer.depth, bias = layer.bias;
    if (bias.defined()) {  // the score twice
      const auto twice = [](const torch::Tensor& t) { return at::cat({t.narrow(0, 0, 1), t}); };
      point = twice(point);
      depth = twice(depth);
      bias = twice(bias);
    } else {
      depth = depth * factor(layer.norm).reshape({-1, 1, 1, 1});
      bias = shift(layer.norm);
    }
    out.emplace_back(layer.name + ".point.weight", point);
    out.emplace_back(layer.name + ".point.bias", torch::zeros({point.size(0)}));
    out.emplace_back(layer.name + ".depth.weight", depth);
    out.emplace_back(layer.name + ".depth.bias", bias);
  };
  for (const auto& stage : stages_) {
    for (const Layer& layer : stage) add(layer);
  }
  for (std::size_t l = 0; l < laterals_.size(); ++l) {
    add(laterals_[l]);
    for (const Layer& layer : shared_[l]) add(layer);
    add(answers_[l]);
  }
  for (auto& [name, tensor] : out) tensor = tensor.detach().contiguous();
  return out;
}

torch::Tensor place_grid(const engine::PyramidSizes& sizes, std::int64_t height,
                         std::int64_t width) {
  std::vector<torch::Tensor> out;
  for (int l = 0; l < sizes.levels; ++l) {
    const int stride = sizes.stride(l);
    const std::int64_t rows = height / stride, columns = width / stride;
    const torch::Tensor y = (torch::arange(rows, torch::kFloat32) * stride).reshape({rows, 1});
    const torch::Tensor x =
        (torch::arange(columns, torch::kFloat32) * stride).reshape({1, columns});
    const torch::Tensor zero = torch::zeros({rows, columns});
    out.push_back(at::stack({zero + x, zero + y, zero + stride}, 2).reshape({rows * columns, 3}));
  }
  return at::cat(out);
}

FaceAnswers decode_answers(const torch::Tensor& answers, const torch::Tensor& grid) {
  const torch::Tensor stride = grid.narrow(-1, 2, 1);
  const torch::Tensor origin = grid.narrow(-1, 0, 2);
  const torch::Tensor centre = origin + answers.narrow(-1, 1, 2) * stride;
  const torch::Tensor sides = answers.narrow(-1, 3, 2).clamp_max(kMostLogSide).exp() * stride;
  FaceAnswers out;
  out.scores = answers.select(-1, 0);
  out.boxes = at::cat({centre, sides}, -1);
  out.points =
      at::cat({origin, origin, origin, origin, origin}, -1) + answers.narrow(-1, 5, 10) * stride;
  return out;
}

}  // namespace mien::methods
