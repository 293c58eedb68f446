#include "train/average.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include "nn/load.h"

namespace mien::train {

Average::Average(double decay, const Optimiser& optimiser) : decay_(decay) {
  if (decay_ == 0) return;
  for (const methods::ParameterGroup& group : optimiser.groups()) {
    for (const auto& [name, tensor] : group.parameters) {
      parameters_.emplace_back(name, tensor);
      means_.push_back(tensor.detach().clone());
    }
  }
}

void Average::update() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < means_.size(); ++i) {
    means_[i].mul_(decay_).add_(parameters_[i].second, 1 - decay_);
  }
}

void Average::swap() {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < means_.size(); ++i) {
    const torch::Tensor kept = parameters_[i].second.detach().clone();
    parameters_[i].second.copy_(means_[i]);
    means_[i].copy_(kept);
  }
}

methods::NamedTorchTensors Average::state() const {
  methods::NamedTorchTensors out;
  for (std::size_t i = 0; i < means_.size(); ++i) {
    out.emplace_back("ema/" + parameters_[i].first, means_[i]);
  }
  return out;
}

Status Average::load(const checkpoint::Checkpoint& from) {
  methods::NamedTorchTensors into;
  for (std::size_t i = 0; i < means_.size(); ++i)
    into.emplace_back(parameters_[i].first, means_[i]);
  const at::NoGradGuard no_grad;
  return nn::load_by_name(into, from, {.prefix = "ema/", .strict = true});
}

}  // namespace mien::train
