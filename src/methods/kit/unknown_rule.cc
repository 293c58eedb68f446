#include "methods/kit/unknown_rule.h"

#include <ATen/ATen.h>

#include <span>

#include "mien/metrics/calibration.h"

namespace mien::methods {

Status fit_temperature(const torch::Tensor& logits, const std::vector<std::int64_t>& truth,
                       engine::BundleInfo& info) {
  const torch::Tensor rows = logits.to(torch::kFloat64).contiguous();
  const std::vector<int> classes(truth.begin(), truth.end());
  const std::span values(rows.data_ptr<double>(), static_cast<std::size_t>(rows.numel()));
  MIEN_ASSIGN_OR_RETURN(
      info.temperature,
      metrics::fit_temperature(values, static_cast<std::size_t>(rows.size(1)), classes));
  return {};
}

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

Status calibrate(const torch::Tensor& logits, const std::vector<std::int64_t>& truth, double accept,
                 const std::string& data, engine::BundleInfo& info, const std::string& truth_is) {
  MIEN_RETURN_IF_ERROR(fit_temperature(logits, truth, info));
  MIEN_RETURN_IF_ERROR(fit_unknown_rule(logits, accept, info));
  Json note = Json::object();
  note.set("data", data);
  note.set("samples", truth.size());
  if (!truth_is.empty()) note.set("truth", truth_is);
  note.set("accept", accept);
  info.provenance.set("calibration", std::move(note));
  return {};
}

}  // namespace mien::methods
