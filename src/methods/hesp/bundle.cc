// The bundle of HESP: unchanged towers, learned texts, the patch, the points of the negatives.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/hesp/train.h"
#include "methods/kit/learned_labels.h"
#include "methods/kit/nearest_words.h"

namespace mien::methods {
Status HespMethod::calibrate(engine::BundleInfo& info) {
  // Methods-hesp §6: over the training clips, the mean of both softmaxes.
  MIEN_ASSIGN_OR_RETURN(const OpenSetLogits train, score_training());
  torch::Tensor mean = at::softmax(train.known.to(torch::kFloat64), 1);
  if (train.negative.defined()) {
    mean = (mean + at::softmax(train.negative.to(torch::kFloat64), 1)) / 2;
  }
  info.unknown.kind = engine::UnknownRule::Kind::kMeanProbability;
  info.unknown.threshold = released_threshold(std::get<0>(mean.max(1)), training_.accept);
  return fit_temperature(info);
}

// The patch and its position.
void HespMethod::add_patch(engine::BundleInfo& info, NamedTorchTensors& tensors) const {
  engine::PixelPrompt prompt{.size = static_cast<int>(model_->patch_size())};
  const torch::Tensor mean = torch::tensor({scale_.mean[0], scale_.mean[1], scale_.mean[2]});
  const torch::Tensor std = torch::tensor({scale_.std[0], scale_.std[1], scale_.std[2]});
  if (training_.mask == "per_clip") {
    prompt.labels = static_cast<int>(data_.train->classes.size());
    tensors.emplace_back("prompt.texts", model_->bare_texts());
    tensors.emplace_back("prompt.classifier", model_->classifier());
    tensors.emplace_back("prompt.scale", at::stack({mean, std}));
  } else {
    const PromptPlace place = model_->place();
    const std::int64_t half = model_->patch_size() / 2;
    prompt.row = static_cast<int>(place.row - half);
    prompt.col = static_cast<int>(place.col - half);
  }
  info.architecture.prompt = prompt;
  // The engine adds it after the normalisation.
  tensors.emplace_back("prompt.patch", model_->patch() / std.view({3, 1, 1}));
}

Status HespMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  engine::BundleInfo info = open_set_info("hesp");
  info.preprocess = preprocess_;
  if (training_.text_prompt) {
    info.learned = nearest_words(*towers_, model_->contexts(), kNearWords);
  }
  info.labels = learned_labels(data_.train->classes, info.learned, 1);
  if (!training_.text_prompt) {
    for (std::size_t c = 0; c < info.labels.size(); ++c) info.labels[c].texts = {names()[c]};
  }
  info.logit_scale = model_->logit_scale();
  NamedTorchTensors owned{{engine::Bundle::kLabelFeatures, model_->texts()}};
  if (training_.visual_prompt) add_patch(info, owned);
  if (training_.negatives) {
    info.architecture.reciprocal = engine::ReciprocalPoints{
        .labels = static_cast<int>(data_.train->classes.size()), .length = model_->length()};
    owned.emplace_back("reciprocal.points", model_->points());
  }
  MIEN_RETURN_IF_ERROR(calibrate(info));
  TowerExport tensors(*towers_);
  tensors.replace(owned);
  const Card about = card(
      fmt::format("Trained by `mien train` with the method HESP (arXiv 2404.17100) from {}.",
                  towers_->bundle().info().name),
      "clips",
      training_.text_prompt ? fmt::format("Each has {} learned tokens; bundle.json lists the words "
                                          "closest to them.",
                                          training_.contexts)
                            : "Their texts are the bare names.");
  return write(std::move(info), tensors, about, path, overwrite);
}

}  // namespace mien::methods
