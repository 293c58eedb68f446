// The bundle of DFER-CLIP: a CLIP with a temporal model, and label features that no text gives.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/dfer_clip/train.h"
#include "methods/kit/tower_export.h"
#include "methods/kit/unknown_rule.h"
#include "mien/nn/load.h"

namespace mien::methods {
namespace {

constexpr int kDferClipNearWords = 5;
constexpr std::string_view kDferClipCard = R"(# {name}

Trained by `mien train` with the method DFER-CLIP (arXiv 2308.13382) from {init}.

- Training data: {data}, {samples} clips. The weights inherit the terms of this data.
- Labels: {labels}. Each has a written text and {tokens} learned tokens beside it; bundle.json names the words that
  these are near to.
- Pictures are read {pixels}.
- {calibration}

mien describes how a face looks, not what a person feels. Inferring emotions at work and in education is
prohibited in the EU; results differ between groups of people.
)";

std::string with_context(const engine::LearnedText& learned, const std::string& text) {
  std::string words;
  for (const auto& token : learned.tokens) {
    words += (words.empty() ? "" : " / ") + token.front().word;
  }
  return fmt::format("{} (and {} learned tokens, near to: {})", text, learned.tokens.size(), words);
}

}  // namespace

engine::BundleInfo DferClipMethod::bundle_info() const {
  const DferClipTraining& training = recipe_.training;
  const engine::BundleInfo& from = towers_->bundle().info();
  engine::BundleInfo info;
  info.name = training.name.empty() ? "dfer-clip-" + data_.train->name : training.name;
  info.method = "dfer-clip";
  info.architecture = from.architecture;
  info.architecture.temporal = temporal_sizes();
  info.architecture.neutral.reset();
  info.architecture.regression.reset();
  info.preprocess = reader().preprocess;
  info.crop = from.crop;
  info.sampling = reader().sampling;
  info.learned = contexts_->nearest(*towers_, kDferClipNearWords);
  for (std::size_t c = 0; c < texts_.size(); ++c) {
    info.labels.push_back({.name = data_.train->classes[c],
                           .texts = {with_context(info.learned[c], texts_[c])},
                           .parts = {}});
  }
  info.logit_scale = 1 / training.temperature;
  info.licence = training.licence.empty() ? from.licence : training.licence;
  info.provenance = context_.provenance;
  info.provenance.set("init", from.name);
  info.provenance.set("training_data", data_.train->name);
  info.provenance.set("training_samples", data_.train_view.size());
  if (!recipe_.data.leave_out.empty()) info.provenance.set("left_out", recipe_.data.leave_out);
  return info;
}

Status DferClipMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info = bundle_info();
  if (!data_.val_view.empty()) {
    MIEN_ASSIGN_OR_RETURN(const Scored scored, score_validation());
    MIEN_RETURN_IF_ERROR(
        calibrate(scored.logits, scored.truth, recipe_.training.accept, data_.val->name, info));
  }
  TowerExport tensors(*towers_);
  if (trains_image()) tensors.replace(towers_->image_tensors());
  tensors.replace(temporal_tensors());
  tensors.replace({{engine::Bundle::kLabelFeatures, contexts_->encode(*towers_)}});
  content.tensors = tensors.views();
  content.tokenizer = towers_->tokenizer().file_text();
  content.card = fmt::format(
      kDferClipCard, fmt::arg("name", info.name), fmt::arg("init", towers_->bundle().info().name),
      fmt::arg("data", data_.train->name), fmt::arg("samples", data_.train_view.size()),
      fmt::arg("labels", fmt::format("{}", fmt::join(data_.train->classes, ", "))),
      fmt::arg("tokens", recipe_.training.contexts.tokens),
      fmt::arg("pixels", recipe_.training.preprocess == "init"
                             ? "as the first bundle reads them"
                             : "as published: from 0 to 1, without CLIP's mean and deviation"),
      fmt::arg("calibration",
               info.unknown.threshold
                   ? "Probabilities and the threshold for \"unknown\" were fitted on "
                     "the validation part."
                   : "Not calibrated: probabilities rank the labels."));
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
