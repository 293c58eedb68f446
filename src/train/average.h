#pragma once

#include <torch/types.h>

#include "mien/checkpoint/checkpoint.h"
#include "mien/methods/method.h"
#include "train/optimiser.h"

namespace mien::train {

/// Exponential moving average of the trained parameters. Decay 0: does nothing.
class Average {
 public:
  Average(double decay, const Optimiser& optimiser);
  void update();
  /// Exchanges parameters and averages; a second call restores them.
  void swap();
  methods::NamedTorchTensors state() const;  ///< below "ema/"
  Status load(const checkpoint::Checkpoint& from);

 private:
  double decay_;
  methods::NamedTorchTensors parameters_;
  std::vector<torch::Tensor> means_;
};

}  // namespace mien::train
