#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <string>
#include <utility>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/tensor/tensor.h"

namespace mien::nn {

using NamedTorchTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// A copy as float32 (or, for integers, as they are). Errors: kUnsupported for other types.
Result<torch::Tensor> to_torch(const TensorView& view);
/// Borrows the memory of a contiguous CPU tensor, which must outlive the view.
/// Precondition: float32, float64 or int64, contiguous, on the CPU.
TensorView as_view(const torch::Tensor& tensor);

struct LoadOptions {
  std::string prefix = {};  ///< of the names in the checkpoint
  bool strict = true;       ///< names below the prefix that nobody asked for are an error
};

/// Copies tensors into parameters by name. Nothing is changed when something does not fit.
/// Errors: kCorrupt naming the first tensor that is missing, of another shape, or (strict) unknown.
Status load_by_name(const NamedTorchTensors& into, const checkpoint::Checkpoint& from,
                    const LoadOptions& options = {});

/// The parameters of a module by their registered names.
NamedTorchTensors named_parameters(const torch::nn::Module& module);

}  // namespace mien::nn
