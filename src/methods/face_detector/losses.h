#pragma once

#include <torch/types.h>

namespace mien::methods {

/// Cross-entropy against scores from 0 to 1, weighted by the squared distance of the two, so that
/// the many places that are right do not count. Shape: all [...] -> scalar, the sum of
/// `weights` * loss. Source: Li et al., "Generalized Focal Loss", NeurIPS 2020 (quality focal
/// loss).
torch::Tensor quality_focal(const torch::Tensor& logits, const torch::Tensor& targets,
                            const torch::Tensor& weights);

/// 1 - IoU + the squared distance of the centres against the diagonal around both + those of the
/// sides against the sides around both. Shape: boxes [n, 4] as centre, width and height -> [n].
/// Source: Zhang et al., "Focal and Efficient IOU Loss" (arXiv 2101.08158).
torch::Tensor efficient_iou_loss(const torch::Tensor& boxes, const torch::Tensor& targets);

/// Smooth L1 of points, in units of a tenth of the face. Shape: points [n, 10], sides [n] -> [n].
torch::Tensor point_loss(const torch::Tensor& points, const torch::Tensor& targets,
                         const torch::Tensor& sides);

}  // namespace mien::methods
