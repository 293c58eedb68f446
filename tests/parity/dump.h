#pragma once

#include <ATen/ATen.h>

#include <deque>
#include <string>

#include "mien/checkpoint/safetensors.h"
#include "mien/nn/load.h"

namespace mien {

/// Tensors as they are now, to be written to a file.
struct Dump {
  checkpoint::NamedTensors tensors;
  std::deque<torch::Tensor> owned;

  void add(const std::string& name, const torch::Tensor& tensor) {
    owned.push_back(tensor.detach().clone().contiguous());
    tensors.emplace_back(name, nn::as_view(owned.back()));
  }
};

}  // namespace mien
