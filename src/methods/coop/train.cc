// Training of CoOp.
#include "methods/coop/train.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include "loss/cross_entropy.h"
#include "loss/unit_rows.h"
#include "methods/kit/named_tensors.h"
#include "nn/load.h"

namespace mien::methods {

Status CoopMethod::prepare() {
  MIEN_RETURN_IF_ERROR(load_labelled_data());
  MIEN_RETURN_IF_ERROR(load_towers());
  MIEN_ASSIGN_OR_RETURN(contexts_,
                        ContextLearner::make(*towers_, training_.contexts, data_.train->classes));
  pool_ = nn::AttentionPool(towers_->architecture().embed, training_.hidden);
  set_batch(training_.batch);
  return cache_frames("coop");
}

SequenceReader CoopMethod::reader() const {
  SequenceReader out;
  out.preprocess = towers_->bundle().info().preprocess;
  out.sampling = {.rule = video::SamplingRule::kUniform, .frames = training_.frames};
  return out;
}

NamedTorchTensors CoopMethod::pool_tensors() const {
  return prefixed("temporal.", nn::named_parameters(*pool_));
}

std::vector<ParameterGroup> CoopMethod::begin_stage(int) {
  std::vector<ParameterGroup> out = {
      {.name = "contexts", .parameters = {{"contexts", contexts_->vectors()}}},
      {.name = "pool", .parameters = pool_tensors(), .lr_factor = training_.pool_lr}};
  for (const ParameterGroup& group : out) {
    for (const auto& item : group.parameters) torch::Tensor(item.second).requires_grad_(true);
  }
  return out;
}

NamedTorchTensors CoopMethod::state() {
  NamedTorchTensors out = pool_tensors();
  out.emplace_back("contexts", contexts_->vectors());
  return out;
}

torch::Tensor CoopMethod::logits(const Items& items, const torch::Tensor& texts) {
  const torch::Tensor clips = pool_->forward(frame_rows(items, true)).to(torch::kFloat32);
  return towers_->bundle().info().logit_scale * at::matmul(loss::unit_rows(clips), texts.t());
}

Status CoopMethod::forward(const Items& items, StepOutput& out) {
  const torch::Tensor labels = labels_of(*data_.train, items);
  const torch::Tensor said = logits(items, contexts_->encode(*towers_));
  out.loss = loss::cross_entropy(said, labels);
  add_train_war(said, labels, out);
  return {};
}

Status CoopMethod::begin_scores() {
  texts_ = contexts_->encode(*towers_);
  return {};
}

}  // namespace mien::methods
