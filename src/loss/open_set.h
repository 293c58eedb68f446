#pragma once

#include <torch/types.h>

namespace mien::loss {

/// How far features are from reciprocal points: |f - u|^2 / D - f . u; large for the class whose
/// opposite is far. Shape: features [N, D], points [K, D], not normalised -> [N, K].
/// Source: ARPL (arXiv 2103.00953).
torch::Tensor reciprocal_scores(const torch::Tensor& features, const torch::Tensor& points);

/// Keeps known features within a learned radius of their class's point:
/// mean max(0, |f - u_y|^2 / D - radius + 1). Shape: labels [N] int64, radius [1] -> scalar.
torch::Tensor reciprocal_margin(const torch::Tensor& features, const torch::Tensor& points,
                                const torch::Tensor& labels, const torch::Tensor& radius);

/// HESP's clustering of known clips: supervised_contrastive times the temperature.
/// Shape: features [N, D], not normalised, labels [N] int64 -> scalar. Source: arXiv 2404.17100.
torch::Tensor hesp_contrastive(const torch::Tensor& features, const torch::Tensor& labels,
                               double temperature = 0.5);

}  // namespace mien::loss
