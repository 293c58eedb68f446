#pragma once

// Convolutions that process a picture line by line, for networks that never hold a whole map of
// their first layers.
#include <cstdint>
#include <memory>
#include <span>

#include "mien/core/status.h"
#include "mien/kernels/cpu.h"
#include "mien/tensor/tensor.h"

namespace mien::kernels {

/// Lines hold whole groups of that many channels; the rest of the last group is zero.
constexpr std::int64_t kLineChannels = 16;
std::int64_t padded_channels(std::int64_t channels);

/// A convolution that computes one output line from the input lines below its kernel. Threads:
/// immutable after packing; safe from several threads.
class LineConvolution {
 public:
  LineConvolution() = default;
  /// Shape: weight [out, in, kernel, kernel], bias [out], of float types. The `in` channels of a
  /// position are contiguous; positions are `in_stride` values apart. Errors: kInvalidArgument when
  /// sizes do not match.
  static Result<LineConvolution> pack(const TensorView& weight, const TensorView& bias,
                                      std::int64_t in_stride);

  std::int64_t out() const { return out_; }  ///< padded_channels() of the outputs

  /// `lines`: one per row of the kernel, starting at its first position. Shape: result [positions,
  /// out()].
  void run(std::span<const float* const> lines, std::int64_t positions, int stride, bool relu,
           float* result) const;

 private:
  std::int64_t out_ = 0, taps_ = 0, depth_ = 0, in_stride_ = 0;
  std::shared_ptr<const float[]> weights_;
  std::shared_ptr<const float[]> bias_;
};

/// A 3 x 3 depthwise convolution, padding 1. Threads: immutable after packing; safe from several
/// threads.
class LineDepthwiseConvolution {
 public:
  LineDepthwiseConvolution() = default;
  /// Shape: weight [channels, 1, 3, 3], bias [channels]. Errors: kInvalidArgument when sizes do not
  /// match.
  static Result<LineDepthwiseConvolution> pack(const TensorView& weight, const TensorView& bias);

  std::int64_t channels() const { return channels_; }  ///< padded_channels()

  /// `lines`: above, here and below, each [positions + 2, channels()], from one position left of
  /// the first.
  void run(std::span<const float* const, 3> lines, std::int64_t positions, bool relu,
           float* result) const;

 private:
  std::int64_t channels_ = 0;
  std::shared_ptr<const float[]> weights_;
  std::shared_ptr<const float[]> bias_;
};

/// 2 x 2 max pooling. Shape: above, below [2 * positions, channels] -> result [positions,
/// channels]. Precondition: channels is a multiple of kLineChannels.
void line_maximum(const float* above, const float* below, std::int64_t positions,
                  std::int64_t channels, float* result);

}  // namespace mien::kernels
