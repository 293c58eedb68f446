#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/methods/method.h"
#include "mien/train/options.h"

namespace mien::train {

/// SGD with momentum, Adam and AdamW, with PyTorch's numbers. LibTorch's optimisers index their
/// state by tensor address, in a format that changes between versions; here it has names, so that
/// checkpoints can store it. The parameters are borrowed.
class Optimiser {
 public:
  Optimiser(const TrainOptions& options, std::vector<methods::ParameterGroup> groups);

  /// One step at this learning rate (times each group's factor). Parameters without a gradient are
  /// left alone, as in PyTorch.
  void step(double lr);
  void zero_grad();
  /// Every parameter, with a defined gradient (zeros if the graph did not reach it).
  std::vector<torch::Tensor> gradients();
  /// Scales all gradients so that their norm is at most `largest`; returns the norm before.
  double clip_norm(double largest);

  const std::vector<methods::ParameterGroup>& groups() const { return groups_; }

  /// The state so far, by names below "optim/".
  methods::NamedTorchTensors state() const;
  /// Errors: kCorrupt for a state of other shapes.
  Status load(const checkpoint::Checkpoint& from);

 private:
  struct Slot {
    torch::Tensor first;   ///< momentum, or mean of the gradient
    torch::Tensor second;  ///< mean of its square
    std::int64_t steps = 0;
  };
  void step_sgd(const torch::Tensor& parameter, Slot& slot, double lr, double decay) const;
  void step_adam(const torch::Tensor& parameter, Slot& slot, double lr, double decay) const;

  TrainOptions options_;
  std::vector<methods::ParameterGroup> groups_;
  std::vector<std::vector<Slot>> slots_;  ///< as groups_[i].parameters
};

}  // namespace mien::train
