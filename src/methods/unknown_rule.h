#pragma once

#include <torch/types.h>

#include "mien/core/status.h"
#include "mien/engine/bundle.h"

namespace mien::methods {

/// Sets the rule of the largest probability so that `accept` of the rows are not unknown.
/// Shape: logits [rows, labels], scaled. Precondition: info.temperature is fitted.
Status fit_unknown_rule(const torch::Tensor& logits, double accept, engine::BundleInfo& info);

}  // namespace mien::methods
