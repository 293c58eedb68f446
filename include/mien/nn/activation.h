#pragma once

#include <torch/types.h>

namespace mien::nn {

enum class Activation {
  kQuickGelu,  ///< x * sigmoid(1.702 x)
  kGelu,       ///< exact, with erf
  kGeluTanh,   ///< the tanh form
};

torch::Tensor activate(const torch::Tensor& x, Activation activation);

}  // namespace mien::nn
