#include "loss/descriptors.h"

#include <ATen/ATen.h>

#include "loss/cross_entropy.h"
#include "mien/core/check.h"

namespace mien::loss {
namespace {

// Shape: [batch, classes] bool, true at the label.
torch::Tensor is_target(const torch::Tensor& scores, const torch::Tensor& labels) {
  MIEN_CHECK(scores.dim() == 3 && labels.dim() == 1 && labels.size(0) == scores.size(0));
  return labels.unsqueeze(1).eq(torch::arange(scores.size(1), labels.options()));
}

// Shape: [batch, descriptors], those of the true class.
torch::Tensor of_target(const torch::Tensor& scores, const torch::Tensor& labels) {
  const torch::Tensor place = labels.view({-1, 1, 1}).expand({-1, 1, scores.size(2)});
  return scores.gather(1, place).squeeze(1);
}

}  // namespace

torch::Tensor descriptor_scores(const torch::Tensor& images, const torch::Tensor& descriptors,
                                std::int64_t per_class, double temperature) {
  MIEN_CHECK(images.dim() == 2 && descriptors.dim() == 2 && per_class > 0 &&
             descriptors.size(0) % per_class == 0 && temperature > 0);
  return at::matmul(images, descriptors.t()).view({images.size(0), -1, per_class}) / temperature;
}

// max and min with an index, so that only one descriptor gets the gradient if several are equal.
torch::Tensor descriptor_margin(const torch::Tensor& scores, const torch::Tensor& labels) {
  const torch::Tensor best = std::get<0>(scores.max(2));
  const torch::Tensor worst = std::get<0>(scores.min(2));
  return cross_entropy(at::where(is_target(scores, labels), worst, best), labels);
}

torch::Tensor descriptor_modulation(const torch::Tensor& scores, const torch::Tensor& labels) {
  const torch::Tensor fixed = scores.detach();
  const std::int64_t classes = fixed.size(1), each = fixed.size(2);
  const torch::Tensor chosen = labels * each + of_target(fixed, labels).argmax(1);
  torch::Tensor counts =
      at::bincount(chosen, {}, classes * each).to(fixed.scalar_type()).view({classes, each});
  constexpr double kUnused = -1.0 / 99;  // a descriptor that no sample chose: its share vanishes
  counts = at::where(counts.eq(0), torch::full({}, kUnused, counts.options()), counts);
  const torch::Tensor weights = counts.sum(1, true) * at::softmax(counts.reciprocal(), 1) / counts;
  return weights.view({-1}).index_select(0, chosen);
}

torch::Tensor descriptor_fine_grained(const torch::Tensor& scores, const torch::Tensor& labels) {
  MIEN_CHECK(scores.size(1) > 1);
  const torch::Tensor other =
      is_target(scores, labels).logical_not().unsqueeze(2).expand_as(scores);
  const torch::Tensor negatives = scores.masked_select(other).view({scores.size(0), -1});
  const torch::Tensor best = std::get<0>(of_target(scores, labels).max(1, true));
  const torch::Tensor log_p = at::log_softmax(at::cat({best, negatives}, 1), 1).select(1, 0);
  return -(descriptor_modulation(scores, labels) * log_p).mean();
}

torch::Tensor descriptor_mean(const torch::Tensor& scores, const torch::Tensor& labels) {
  return cross_entropy(scores.mean(2), labels);
}

}  // namespace mien::loss
