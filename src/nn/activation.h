#pragma once

#include <torch/types.h>

namespace mien::nn {

enum class Nonlinearity {
  kQuickGelu,  ///< x * sigmoid(1.702 x)
  kGelu,       ///< exact, with erf
  kGeluTanh,   ///< the tanh form
};

torch::Tensor activate(const torch::Tensor& x, Nonlinearity activation);

}  // namespace mien::nn
