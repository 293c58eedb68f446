#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mien/core/status.h"
#include "mien/engine/bundle.h"

namespace mien::methods {

/// Sets the rule of the largest probability so that `accept` of the rows are not unknown.
/// Shape: logits [rows, labels], scaled. Precondition: info.temperature is fitted.
Status fit_unknown_rule(const torch::Tensor& logits, double accept, engine::BundleInfo& info);

/// Fits the temperature and fit_unknown_rule, and notes in the provenance on what.
/// Shape: logits [samples, labels], scaled; truth [samples]. Errors: those of fit_temperature.
Status calibrate(const torch::Tensor& logits, const std::vector<std::int64_t>& truth, double accept,
                 const std::string& data, engine::BundleInfo& info);

}  // namespace mien::methods
