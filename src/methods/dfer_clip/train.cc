// Training of DFER-CLIP.
#include "methods/dfer_clip/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "loss/cross_entropy.h"
#include "loss/unit_rows.h"
#include "methods/kit/class_texts.h"
#include "methods/kit/temporal.h"
#include "nn/load.h"
#include "text/prompt_ensembles.h"

namespace mien::methods {
namespace {

// The published sizes; those of a wider or narrower joint space keep their proportions.
constexpr int kHeads = 8;
constexpr int kHeadWidth = 64;
constexpr int kMlpFactor = 2;

}  // namespace

Status DferClipMethod::prepare() {
  MIEN_RETURN_IF_ERROR(load_labelled_data());
  MIEN_RETURN_IF_ERROR(load_towers());
  MIEN_RETURN_IF_ERROR(prepare_texts());
  MIEN_RETURN_IF_ERROR(prepare_temporal());
  set_batch(training_.batch);
  if (!training_.cache || trains_image() || training_.view.any()) return {};
  return cache_frames("dfer-clip");
}

Status DferClipMethod::prepare_texts() {
  const std::vector<std::string>& classes = data_.train->classes;
  const auto labels = [&] {
    if (!training_.class_texts.empty()) {
      return class_texts(training_.class_texts, context_.data, classes);
    }
    if (training_.texts == "descriptors") return text::facial_descriptors(classes);
    return text::prompt_ensemble(training_.texts == "names" ? "P1" : "P2", classes);
  }();
  if (!labels.ok()) {
    return labels.status().with_prefix(
        "dfer-clip.texts (dfer-clip.class_texts takes a file for other classes)");
  }
  for (const text::Label& label : labels->labels) {
    if (label.texts.empty()) {
      return invalid_argument(fmt::format(
          "class '{}': compound classes are not supported (expected a text)", label.name));
    }
    texts_.push_back(label.texts.front());
  }
  MIEN_ASSIGN_OR_RETURN(contexts_, ContextLearner::make(*towers_, training_.contexts, texts_));
  return {};
}

engine::TemporalTransformerSizes DferClipMethod::temporal_sizes() const {
  const int embed = towers_->architecture().embed;
  return {.width = embed,
          .layers = training_.temporal_layers,
          .heads = kHeads,
          .head_width = kHeadWidth,
          .mlp = kMlpFactor * embed,
          .positions = training_.frames + 1,
          .activation = kernels::Activation::kGeluTanh};
}

Status DferClipMethod::prepare_temporal() {
  const engine::TemporalTransformerSizes sizes = temporal_sizes();
  temporal_ = make_temporal(sizes);
  return load_temporal(*temporal_, sizes, towers_->bundle(), training_.init, context_.log);
}

SequenceReader DferClipMethod::reader() const {
  SequenceReader out;
  out.preprocess = preprocess_as(training_.preprocess);
  out.sampling = {.rule = video::SamplingRule::kSegmentsOrHold, .frames = training_.frames};
  out.pictures = training_.view;
  return out;
}

NamedTorchTensors DferClipMethod::temporal_tensors() const {
  return prefixed("temporal.", nn::named_parameters(*temporal_));
}

std::vector<ParameterGroup> DferClipMethod::begin_stage(int) {
  std::vector<ParameterGroup> out = {{.name = "temporal", .parameters = temporal_tensors()}};
  if (ParameterGroup image = image_group(trains_image()); trains_image()) {
    image.lr_factor = training_.lr_image / training_.lr_temporal;
    out.push_back(std::move(image));
  }
  torch::Tensor(contexts_->vectors()).requires_grad_(training_.lr_contexts > 0);
  if (training_.lr_contexts > 0) {
    out.push_back({.name = "contexts",
                   .parameters = {{"contexts", contexts_->vectors()}},
                   .lr_factor = training_.lr_contexts / training_.lr_temporal});
  }
  return out;
}

// A frozen image tower is loaded from the bundle again.
NamedTorchTensors DferClipMethod::state() {
  NamedTorchTensors out = temporal_tensors();
  out.emplace_back("contexts", contexts_->vectors());
  if (trains_image()) {
    for (auto& item : towers_->image_tensors()) out.push_back(std::move(item));
  }
  return out;
}

torch::Tensor DferClipMethod::features(const Items& items) {
  return loss::unit_rows(
      temporal_->forward(frame_rows(items, !trains_image())).to(torch::kFloat32));
}

Status DferClipMethod::forward(const Items& items, StepOutput& out) {
  const torch::Tensor labels = labels_of(*data_.train, items);
  const torch::Tensor logits =
      at::matmul(features(items), contexts_->encode(*towers_).t()) / training_.temperature;
  out.loss = loss::cross_entropy(logits, labels);
  add_train_war(logits, labels, out);
  return {};
}

Status DferClipMethod::begin_scores() {
  class_rows_ = contexts_->encode(*towers_);
  return {};
}

torch::Tensor DferClipMethod::score_items(const Items& items) {
  return at::matmul(features(items), class_rows_.t()) / training_.temperature;
}

}  // namespace mien::methods
