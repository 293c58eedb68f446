#include "kernels/convolution.h"

#include <cmath>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <span>
#include <string>

#include "kernels/convolution_weights.h"
#include "kernels/direct_convolution.h"
#include "kernels/onednn_convolution.h"
#include "kernels/workspace.h"
#include "mien/core/check.h"

namespace mien::kernels {

ChannelAffine fold_batch_norm(std::span<const float> gain, std::span<const float> shift,
                              std::span<const float> mean, std::span<const float> variance,
                              float eps) {
  ChannelAffine out;
  for (std::size_t c = 0; c < gain.size(); ++c) {
    const float factor = gain[c] / std::sqrt(variance[c] + eps);
    out.factor.push_back(factor);
    out.shift.push_back(shift[c] - mean[c] * factor);
  }
  return out;
}

Status read_outputs(const ConvolutionWeights& weights, std::int64_t first, std::span<float> to) {
  const std::size_t row = weights.weight.size() / static_cast<std::size_t>(weights.weight.dim(0));
  const std::size_t width = byte_size(weights.weight.dtype()), count = to.size() / row;
  const auto start = static_cast<std::size_t>(first);
  MIEN_RETURN_IF_ERROR(copy_to_f32(
      TensorView(weights.weight.dtype(), {static_cast<std::int64_t>(to.size())},
                 weights.weight.bytes().subspan(start * row * width, to.size() * width)),
      to));
  if (weights.factor.empty()) return {};
  for (std::size_t o = 0; o < count; ++o) {
    const float factor = weights.factor[start + o];
    for (float& value : to.subspan(o * row, row)) value *= factor;
  }
  return {};
}

struct Convolution::Packed {
  std::int64_t in = 0, out = 0, kernel = 0;
  ConvolutionOptions options;
  std::shared_ptr<Shelf> shelf;  // of `direct`
  // One of them.
  std::optional<DirectConvolution> direct;
  std::optional<OneDnnConvolution> onednn;

  std::int64_t out_size(std::int64_t size) const { return convolved_size(size, kernel, options); }
};

Result<Convolution> Convolution::pack(const ConvolutionWeights& weights,
                                      const ConvolutionOptions& options,
                                      std::shared_ptr<Shelf> shelf) {
  const TensorView& plain = weights.weight;
  const auto fits = [&](const std::vector<float>& values) {
    return values.empty() || values.size() == static_cast<std::size_t>(plain.dim(0));
  };
  if (plain.rank() != 4 || plain.size() == 0 || plain.dim(2) != plain.dim(3) ||
      !fits(weights.factor) || !fits(weights.bias)) {
    return invalid_argument("convolution: weight, factor or bias has the wrong number of values");
  }
  const bool blocks = options.from == PictureLayout::kBlocks,
             to = options.to == PictureLayout::kBlocks;
  if ((blocks && plain.dim(1) % 16 != 0) || (to && plain.dim(0) % 16 != 0) ||
      ((blocks || to) && options.input != Precision::kF32) ||
      (options.from == PictureLayout::kPlanes && plain.dim(1) > 4) ||
      options.to == PictureLayout::kPlanes) {
    return invalid_argument("convolution: its channels or its type do not allow that layout");
  }
  auto packed = std::make_shared<Packed>();
  packed->out = plain.dim(0);
  packed->in = plain.dim(1);
  packed->kernel = plain.dim(2);
  packed->options = options;
  if (DirectConvolution::serves(options, packed->in, packed->out)) {
    const bool own = shelf == nullptr;
    packed->shelf = own ? std::make_shared<Shelf>() : std::move(shelf);
    MIEN_ASSIGN_OR_RETURN(packed->direct,
                          DirectConvolution::pack(weights, options, *packed->shelf));
    if (own) packed->shelf->clear_bench();
  } else {
    std::vector<float> values(plain.size()), bias = weights.bias;
    MIEN_RETURN_IF_ERROR(read_outputs(weights, 0, values));
    bias.resize(static_cast<std::size_t>(packed->out), 0.0F);
    try {
      packed->onednn.emplace(std::move(values), std::move(bias), packed->in, packed->out,
                             packed->kernel, options);
    } catch (const dnnl::error& error) {
      return internal_error(std::string("convolution: oneDNN failed (") + error.what() + ")");
    }
  }
  Convolution out;
  out.packed_ = std::move(packed);
  return out;
}

std::int64_t Convolution::in() const { return packed_ ? packed_->in : 0; }
std::int64_t Convolution::out() const { return packed_ ? packed_->out : 0; }
std::int64_t Convolution::out_size(std::int64_t size) const { return packed_->out_size(size); }

Status Convolution::run(const void* src, std::int64_t count, std::int64_t height,
                        std::int64_t width, void* dst, Workspace& workspace) const {
  MIEN_CHECK(packed_ != nullptr && count > 0);
  Workspace::Impl& ws = workspace.impl();
  if (packed_->direct) {
    packed_->direct->run(src, count, height, width, dst, ws.table, ws.padded);
    return {};
  }
  try {
    packed_->onednn->run(src, count, height, width, dst, workspace);
  } catch (const dnnl::error& error) {
    return internal_error(std::string("convolution: oneDNN failed (") + error.what() + ")");
  }
  return {};
}

}  // namespace mien::kernels
