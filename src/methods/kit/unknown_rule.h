#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mien/core/status.h"
#include "mien/engine/bundle.h"

namespace mien::methods {

/// Fits the temperature. Shape: logits [samples, labels], scaled; truth [samples]. Errors: those of
/// metrics::fit_temperature.
Status fit_temperature(const torch::Tensor& logits, const std::vector<std::int64_t>& truth,
                       engine::BundleInfo& info);

/// Sets the rule of the largest probability so that `accept` of the rows are not unknown.
/// Shape: logits [rows, labels], scaled. Precondition: info.temperature is fitted.
Status fit_unknown_rule(const torch::Tensor& logits, double accept, engine::BundleInfo& info);

/// fit_temperature and fit_unknown_rule, and a note in the provenance on what. `truth_is`: what a
/// class of the truth is, noted as well unless it is empty.
Status calibrate(const torch::Tensor& logits, const std::vector<std::int64_t>& truth, double accept,
                 const std::string& data, engine::BundleInfo& info,
                 const std::string& truth_is = {});

}  // namespace mien::methods
