#include "kernels/lines.h"

#include <algorithm>
#include <vector>

#include "kernels/line_ops.h"
#include "mien/core/check.h"

namespace mien::kernels {
namespace {

#if defined(__x86_64__)
const LineOps& line_ops() {
  switch (active_isa()) {
    case Isa::kAvx512: return line_ops_avx512();
    case Isa::kAvx2: return line_ops_avx2();
    case Isa::kGeneric: break;
  }
  return line_ops_generic();
}
#else
const LineOps& line_ops() { return line_ops_generic(); }
#endif

Result<std::vector<float>> floats_of(const TensorView& view) {
  std::vector<float> out(view.size());
  MIEN_RETURN_IF_ERROR(copy_to_f32(view, out));
  return out;
}

// Vector loads are fastest from cache line boundaries.
std::shared_ptr<float[]> aligned_zeros(std::int64_t count) {
  const auto size = static_cast<std::size_t>(count);
  std::shared_ptr<float[]> out(
      static_cast<float*>(::operator new[](size * sizeof(float), std::align_val_t{64})),
      [](float* p) { ::operator delete[](p, std::align_val_t{64}); });
  std::fill_n(out.get(), size, 0.0F);
  return out;
}

Result<std::shared_ptr<float[]>> padded_bias(const TensorView& bias, std::int64_t out) {
  if (bias.rank() != 1 || bias.dim(0) != out) {
    return invalid_argument("convolution: bias has the wrong number of values");
  }
  MIEN_ASSIGN_OR_RETURN(const auto values, floats_of(bias));
  auto padded = aligned_zeros(padded_channels(out));
  std::copy(values.begin(), values.end(), padded.get());
  return padded;
}

}  // namespace

std::int64_t padded_channels(std::int64_t channels) {
  return (channels + kLineChannels - 1) / kLineChannels * kLineChannels;
}

Result<LineConvolution> LineConvolution::pack(const TensorView& weight, const TensorView& bias,
                                              std::int64_t in_stride) {
  if (weight.rank() != 4 || weight.size() == 0 || weight.dim(2) != weight.dim(3) ||
      weight.dim(1) > in_stride) {
    return invalid_argument("convolution: weight has the wrong shape");
  }
  const std::int64_t out = weight.dim(0), in = weight.dim(1), kernel = weight.dim(2);
  MIEN_ASSIGN_OR_RETURN(const auto values, floats_of(weight));
  MIEN_ASSIGN_OR_RETURN(const auto padded, padded_bias(bias, out));
  LineConvolution made;
  made.out_ = padded_channels(out);
  made.taps_ = kernel;
  made.in_stride_ = in_stride;
  // A single column needs no padding between its positions.
  made.depth_ = kernel == 1 ? in : kernel * in_stride;
  auto packed = aligned_zeros(made.out_ * kernel * made.depth_);
  for (std::int64_t o = 0; o < out; ++o) {
    for (std::int64_t i = 0; i < in; ++i) {
      for (std::int64_t y = 0; y < kernel; ++y) {
        for (std::int64_t x = 0; x < kernel; ++x) {
          const std::int64_t k = y * made.depth_ + x * in_stride + i;
          packed[static_cast<std::size_t>((o / kLineGroup * kernel * made.depth_ + k) * kLineGroup +
                                          o % kLineGroup)] =
              values[static_cast<std::size_t>(((o * in + i) * kernel + y) * kernel + x)];
        }
      }
    }
  }
  made.weights_ = std::move(packed);
  made.bias_ = padded;
  return made;
}

void LineConvolution::run(std::span<const float* const> lines, std::int64_t positions, int stride,
                          bool relu, float* result) const {
  MIEN_CHECK(static_cast<std::int64_t>(lines.size()) == taps_);
  line_ops().product({.lines = lines.data(),
                      .taps = taps_,
                      .depth = depth_,
                      .step = stride * in_stride_,
                      .positions = positions,
                      .weights = weights_.get(),
                      .bias = bias_.get(),
                      .out = out_,
                      .relu = relu,
                      .result = result});
}

Result<LineDepthwiseConvolution> LineDepthwiseConvolution::pack(const TensorView& weight,
                                                                const TensorView& bias) {
  if (weight.rank() != 4 || weight.dim(0) < 1 || weight.dim(1) != 1 || weight.dim(2) != 3 ||
      weight.dim(3) != 3) {
    return invalid_argument("depthwise convolution: weight has the wrong shape");
  }
  const std::int64_t channels = weight.dim(0);
  MIEN_ASSIGN_OR_RETURN(const auto values, floats_of(weight));
  MIEN_ASSIGN_OR_RETURN(const auto padded, padded_bias(bias, channels));
  LineDepthwiseConvolution made;
  made.channels_ = padded_channels(channels);
  auto packed = aligned_zeros(9 * made.channels_);
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t tap = 0; tap < 9; ++tap) {
      packed[static_cast<std::size_t>(tap * made.channels_ + c)] =
          values[static_cast<std::size_t>(c * 9 + tap)];
    }
  }
  made.weights_ = std::move(packed);
  made.bias_ = padded;
  return made;
}

void LineDepthwiseConvolution::run(std::span<const float* const, 3> lines, std::int64_t positions,
                                   bool relu, float* result) const {
  line_ops().depthwise({.lines = {lines[0], lines[1], lines[2]},
                        .weights = weights_.get(),
                        .bias = bias_.get(),
                        .positions = positions,
                        .channels = channels_,
                        .relu = relu,
                        .result = result});
}

void line_maximum(const float* above, const float* below, std::int64_t positions,
                  std::int64_t channels, float* result) {
  line_ops().maximum({above, below, positions, channels, result});
}

}  // namespace mien::kernels
