#include "mien/kernels/linear.h"

#include <fmt/format.h>

#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>

#include "kernels/direct_linear.h"
#include "kernels/int8_linear.h"
#include "kernels/onednn_linear.h"
#include "kernels/parallel.h"
#include "mien/kernels/cpu.h"

namespace mien::kernels {
namespace {

// A weight of another type, widened to float32. An I8 weight becomes exact multiples of its scales.
Result<Tensor> widen(const TensorView& weight, const LinearOptions& options) {
  if (weight.dtype() != DType::kI8 || options.scales.empty()) return to_f32(weight);
  const std::int64_t out = weight.dim(0), in = weight.dim(1);
  if (options.weight_is_in_out || std::ssize(options.scales) != out) {
    return invalid_argument(
        fmt::format("linear weight: has {} scales for {} outputs", options.scales.size(), out));
  }
  Tensor wide(DType::kF32, weight.shape());
  const auto* from = reinterpret_cast<const std::int8_t*>(weight.bytes().data());
  float* to = wide.f32().data();
  parallel_for(out, [&](std::int64_t o) {
    const float scale = options.scales[static_cast<std::size_t>(o)];
    for (std::int64_t i = 0; i < in; ++i) {
      to[o * in + i] = static_cast<float>(from[o * in + i]) * scale;
    }
  });
  return wide;
}

}  // namespace

std::vector<float> int8_scales(std::span<const float> weight, std::int64_t out) {
  std::vector<float> scales(static_cast<std::size_t>(out));
  int8_scales(weight.data(), out, std::ssize(weight) / out, scales.data());
  return scales;
}

struct Linear::Packed {
  std::int64_t in = 0;
  std::int64_t out = 0;
  LinearOptions options;
  std::vector<float> bias;
  // One of them.
  std::optional<Int8Linear> int8;
  std::optional<DirectLinear> direct;
  std::optional<OneDnnLinear> onednn;
};

Result<Linear> Linear::pack(const TensorView& weight, const TensorView* bias,
                            const LinearOptions& options) {
  if (weight.rank() != 2 || weight.size() == 0) {
    return invalid_argument("linear weight: has shape " + mien::to_string(weight.shape()) +
                            " (expected two dimensions)");
  }
  MIEN_CHECK(!options.accumulate || options.output == Precision::kF32);
  MIEN_CHECK(options.output != Precision::kInt8);
  auto packed = std::make_shared<Packed>();
  packed->options = options;
  packed->out = weight.dim(options.weight_is_in_out ? 1 : 0);
  packed->in = weight.dim(options.weight_is_in_out ? 0 : 1);
  packed->bias.assign(static_cast<std::size_t>(packed->out), 0.0F);
  if (bias != nullptr) {
    if (bias->shape() != Shape{packed->out}) {
      return invalid_argument("linear bias: has shape " + mien::to_string(bias->shape()) +
                              " (expected " + mien::to_string(Shape{packed->out}) + ")");
    }
    MIEN_RETURN_IF_ERROR(copy_to_f32(*bias, packed->bias));
  }
  // F32 weights are read in place; others are widened first.
  Tensor widened;
  const std::byte* source = weight.bytes().data();
  if (weight.dtype() != DType::kF32) {
    MIEN_ASSIGN_OR_RETURN(widened, widen(weight, options));
    source = widened.bytes().data();
  }
  packed->options.scales = {};
  if (options.input == Precision::kInt8) {
    if (packed->in > kInt8MaxDepth) {
      return unsupported(fmt::format("linear weight: has {} inputs (expected at most {} for int8)",
                                     packed->in, kInt8MaxDepth));
    }
    packed->int8 =
        Int8Linear::pack({.weight = reinterpret_cast<const float*>(source),
                          .out = packed->out,
                          .in = packed->in,
                          .in_out = options.weight_is_in_out,
                          .bias = packed->bias.data(),
                          .scales = weight.dtype() == DType::kI8 ? options.scales.data() : nullptr},
                         {.activation = options.activation,
                          .accumulate = options.accumulate,
                          .out_bf16 = options.output == Precision::kBf16},
                         active_isa());
    Linear linear;
    linear.packed_ = std::move(packed);
    return linear;
  }
  if (DirectLinear::serves(options, packed->in, packed->out)) {
    packed->direct =
        DirectLinear::pack(reinterpret_cast<const float*>(source), std::move(packed->bias),
                           packed->in, packed->out, packed->options);
    Linear linear;
    linear.packed_ = std::move(packed);
    return linear;
  }
  try {
    packed->onednn.emplace(reinterpret_cast<const float*>(source), std::move(packed->bias),
                           packed->in, packed->out, packed->options);
  } catch (const dnnl::error& error) {
    return internal_error(std::string("linear layer: oneDNN failed (") + error.what() + ")");
  }
  Linear linear;
  linear.packed_ = std::move(packed);
  return linear;
}

std::int64_t Linear::in() const { return packed_ ? packed_->in : 0; }
std::int64_t Linear::out() const { return packed_ ? packed_->out : 0; }

Status Linear::run(const void* src, std::int64_t rows, void* dst, Workspace& workspace) const {
  MIEN_CHECK(packed_ != nullptr && rows > 0);
  if (packed_->int8) {
    packed_->int8->run(src, rows, dst);
    return {};
  }
  if (packed_->direct) {
    packed_->direct->run(src, rows, dst);
    return {};
  }
  try {
    packed_->onednn->run(src, rows, dst, workspace);
  } catch (const dnnl::error& error) {
    return internal_error(std::string("linear layer: oneDNN failed (") + error.what() + ")");
  }
  return {};
}

}  // namespace mien::kernels
