#include "loss/open_set.h"

#include <ATen/ATen.h>

#include "mien/loss/contrastive.h"

namespace mien::loss {
namespace {

// |f - u|^2 / D of every pair, from differences: the product form loses digits.
torch::Tensor distances(const torch::Tensor& features, const torch::Tensor& points) {
  return (features.unsqueeze(1) - points.unsqueeze(0)).square().mean(2);
}

}  // namespace

torch::Tensor reciprocal_scores(const torch::Tensor& features, const torch::Tensor& points) {
  return distances(features, points) - at::matmul(features, points.t());
}

torch::Tensor reciprocal_margin(const torch::Tensor& features, const torch::Tensor& points,
                                const torch::Tensor& labels, const torch::Tensor& radius) {
  const torch::Tensor own = (features - points.index_select(0, labels)).square().mean(1);
  return (own - radius + 1).clamp_min(0).mean();
}

torch::Tensor hesp_contrastive(const torch::Tensor& features, const torch::Tensor& labels,
                               double temperature) {
  const torch::Tensor unit = features / features.norm(2, -1, true).clamp_min(1e-12);
  return temperature * supervised_contrastive(unit, labels, temperature);
}

}  // namespace mien::loss
