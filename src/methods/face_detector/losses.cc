#include "methods/face_detector/losses.h"

#include <ATen/ATen.h>

namespace mien::methods {
namespace {

constexpr double kSmallSide = 1e-6;
constexpr double kPointUnit = 0.1;  // of the side of the face

}  // namespace

torch::Tensor quality_focal(const torch::Tensor& logits, const torch::Tensor& targets,
                            const torch::Tensor& weights) {
  const torch::Tensor away = (logits.sigmoid() - targets).square();
  // log(1 + e^x) - x * target, without an overflow.
  const torch::Tensor entropy =
      logits.clamp_min(0) - logits * targets + (-logits.abs()).exp().log1p();
  return (weights * away * entropy).sum();
}

torch::Tensor efficient_iou_loss(const torch::Tensor& boxes, const torch::Tensor& targets) {
  const torch::Tensor sides = boxes.narrow(1, 2, 2), true_sides = targets.narrow(1, 2, 2);
  const torch::Tensor centres = boxes.narrow(1, 0, 2), true_centres = targets.narrow(1, 0, 2);
  const torch::Tensor low = centres - sides / 2, true_low = true_centres - true_sides / 2;
  const torch::Tensor high = centres + sides / 2, true_high = true_centres + true_sides / 2;
  const torch::Tensor shared =
      (at::minimum(high, true_high) - at::maximum(low, true_low)).clamp_min(0).prod(1);
  const torch::Tensor joined = sides.prod(1) + true_sides.prod(1) - shared;
  const torch::Tensor around = at::maximum(high, true_high) - at::minimum(low, true_low);
  const torch::Tensor squares = around.square() + kSmallSide;
  return 1 - shared / (joined + kSmallSide) +
         (centres - true_centres).square().sum(1) / squares.sum(1) +
         ((sides - true_sides).square() / squares).sum(1);
}

torch::Tensor point_loss(const torch::Tensor& points, const torch::Tensor& targets,
                         const torch::Tensor& sides) {
  const torch::Tensor away =
      (points - targets).abs() / (sides.clamp_min(kSmallSide).unsqueeze(1) * kPointUnit);
  return at::where(away < 1, away.square() / 2, away - 0.5).mean(1);
}

}  // namespace mien::methods
