#pragma once

// Kernels that work on lines of channels-last pictures, one table per instruction set. The same
// source (line_ops.inc) is compiled for each. No library types here.
#include <cstdint>

namespace mien::kernels {

/// Channels of a group of weights. Lines have whole groups.
constexpr std::int64_t kLineGroup = 16;

/// One line of a convolution: bias + the sum over what lies below the kernel, for every place and
/// output.
struct LineProduct {
  const float* const*
      lines;  ///< [taps]: the first value of the first place, in each line of the kernel
  std::int64_t taps;
  std::int64_t depth;    ///< values of one place in one line, side by side
  std::int64_t step;     ///< values from place to place
  std::int64_t places;   ///< of the result
  const float* weights;  ///< [out / 16, taps, depth, 16]
  const float* bias;     ///< [out]
  std::int64_t out;      ///< a multiple of 16
  bool relu;
  float* result;  ///< [places, out]
};

/// One line of a convolution of 3 x 3 that keeps channels apart.
struct LineDepthwise {
  const float* lines[3];  ///< [places + 2, channels], from one place left of the first
  const float* weights;   ///< [9, channels]
  const float* bias;      ///< [channels]
  std::int64_t places;
  std::int64_t channels;  ///< a multiple of 16
  bool relu;
  float* result;  ///< [places, channels]
};

/// The largest of 2 x 2 places.
struct LineMaximum {
  const float* above;  ///< [2 * places, channels]
  const float* below;
  std::int64_t places;  ///< of the result
  std::int64_t channels;
  float* result;  ///< [places, channels]
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
