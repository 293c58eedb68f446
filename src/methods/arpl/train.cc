// ARPL on a frozen image tower.
#include "methods/arpl/train.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <cmath>

#include "loss/open_set.h"

namespace mien::methods {

Status ArplMethod::prepare() {
  MIEN_RETURN_IF_ERROR(load());
  const std::int64_t width = towers_->architecture().embed;
  if (training_.lengths == "matched") length_ = std::sqrt(towers_->bundle().info().logit_scale);
  const auto count = static_cast<std::int64_t>(data_.train->classes.size());
  points_ = torch::randn({count, width}) * training_.init_std;
  radius_ = torch::zeros({1});
  if (training_.adapter) adapter_ = torch::eye(width);
  return cache_frames("open set");
}

std::vector<ParameterGroup> ArplMethod::begin_stage(int) {
  ParameterGroup out{.name = "arpl", .parameters = state()};
  for (const auto& item : out.parameters) torch::Tensor(item.second).requires_grad_(true);
  return {out};
}

NamedTorchTensors ArplMethod::state() {
  NamedTorchTensors out{{"points", points_}, {"radius", radius_}};
  if (adapter_.defined()) out.emplace_back("adapter", adapter_);
  return out;
}

torch::Tensor ArplMethod::features(const torch::Tensor& rows) const {
  torch::Tensor out = rows.mean(1);
  if (length_ > 0) out = out * (length_ / out.norm(2, 1, true).clamp_min(1e-12));
  return adapter_.defined() ? at::matmul(out, adapter_.t()) : out;
}

torch::Tensor ArplMethod::scores(const torch::Tensor& rows) const {
  return loss::reciprocal_scores(features(rows), points_);
}

Status ArplMethod::forward(const Items& items, StepOutput& out) {
  const torch::Tensor labels = labels_of(*data_.train, items);
  const torch::Tensor rows = features(frame_rows(items, true));
  const torch::Tensor ce = at::cross_entropy_loss(
      loss::reciprocal_scores(rows, points_) / training_.temperature, labels);
  const torch::Tensor margin = loss::reciprocal_margin(rows, points_, labels, radius_);
  out.loss = ce + training_.margin_weight * margin;
  out.values = {{"ce", ce.item<double>()}, {"margin", margin.item<double>()}};
  return {};
}

OpenSetLogits ArplMethod::score_items(const Items& items) {
  return {.known = {}, .negative = scores(frame_rows(items, true))};
}

}  // namespace mien::methods
