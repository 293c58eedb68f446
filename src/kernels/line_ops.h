#pragma once

// Kernels on lines of channels-last pictures, one table per instruction set; the same source
// (line_ops.inc) is compiled for each. No library types here.
#include <cstdint>

namespace mien::kernels {

/// Channels of a group of weights. Lines have whole groups.
constexpr std::int64_t kLineGroup = 16;

/// One line of a convolution: bias + the sum over the inputs below the kernel, for every position
/// and output.
struct LineProduct {
  const float* const*
      lines;  ///< [taps]: the first value of the first position, in each line of the kernel
  std::int64_t taps;
  std::int64_t depth;      ///< contiguous values of one position in one line
  std::int64_t step;       ///< values between positions
  std::int64_t positions;  ///< of the result
  const float* weights;    ///< [out / 16, taps, depth, 16]
  const float* bias;       ///< [out]
  std::int64_t out;        ///< a multiple of 16
  bool relu;
  float* result;  ///< [positions, out]
};

/// One line of a 3 x 3 depthwise convolution.
struct LineDepthwise {
  const float* lines[3];  ///< [positions + 2, channels], from one position left of the first
  const float* weights;   ///< [9, channels]
  const float* bias;      ///< [channels]
  std::int64_t positions;
  std::int64_t channels;  ///< a multiple of 16
  bool relu;
  float* result;  ///< [positions, channels]
};

/// 2 x 2 max pooling.
struct LineMaximum {
  const float* above;  ///< [2 * positions, channels]
  const float* below;
  std::int64_t positions;  ///< of the result
  std::int64_t channels;
  float* result;  ///< [positions, channels]
};

struct LineOps {
  void (*product)(const LineProduct&);
  void (*depthwise)(const LineDepthwise&);
  void (*maximum)(const LineMaximum&);
};

const LineOps& line_ops_generic();
const LineOps& line_ops_avx2();
const LineOps& line_ops_avx512();

}  // namespace mien::kernels
