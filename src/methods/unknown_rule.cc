#include "methods/unknown_rule.h"

#include <ATen/ATen.h>

#include <span>

#include "mien/metrics/calibration.h"

namespace mien::methods {

Status fit_unknown_rule(const torch::Tensor& logits, double accept, engine::BundleInfo& info) {
  const torch::Tensor calibrated = logits.to(torch::kFloat64) / info.temperature;
  const torch::Tensor best = std::get<0>(at::softmax(calibrated, 1).max(1)).contiguous();
  info.unknown.kind = engine::UnknownRule::Kind::kMaxProbability;
  MIEN_ASSIGN_OR_RETURN(
      info.unknown.threshold,
      metrics::acceptance_threshold(
          std::span(best.data_ptr<double>(), static_cast<std::size_t>(best.numel())), accept));
  return {};
}

}  // namespace mien::methods
