#pragma once

#include <cstdint>
#include <span>

#include "kernels/convolution.h"

namespace mien::kernels {

/// The weights of the outputs from `first` on, times their factors. `to` is whole outputs. Errors:
/// those of copy_to_f32.
Status read_outputs(const ConvolutionWeights& weights, std::int64_t first, std::span<float> to);

}  // namespace mien::kernels
