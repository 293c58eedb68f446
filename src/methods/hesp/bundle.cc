// The bundle of HESP: towers as they were, learned texts, the patch, the points of the negatives.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/hesp/train.h"
#include "methods/kit/learned_labels.h"
#include "methods/kit/prompt_learner.h"

namespace mien::methods {
namespace {

constexpr int kHespNearWords = 5;
constexpr std::string_view kHespCard = R"(# {name}

Trained by `mien train` with the method HESP (arXiv 2404.17100) from {init}.

- Training data: {data}, {samples} clips of the known classes. The weights inherit the terms of this data.
- Known: {labels}. {texts}
- Unknown: {unknown}
- Labels of your own are scored by the texts alone; the threshold for unknown holds for the known classes only.

mien describes how a face looks, not what a person feels. Inferring emotions at work and in education is
prohibited in the EU; results differ between groups of people.
)";

}  // namespace

Status HespMethod::calibrate(engine::BundleInfo& info) {
  // Methods-hesp §6: over the training clips, the mean of both softmaxes.
  MIEN_ASSIGN_OR_RETURN(const OpenSetScores train,
                        score(*data_.data.train, data_.data.train_view, nullptr));
  torch::Tensor mean = at::softmax(train.known.to(torch::kFloat64), 1);
  if (train.negative.defined()) {
    mean = (mean + at::softmax(train.negative.to(torch::kFloat64), 1)) / 2;
  }
  info.unknown.kind = engine::UnknownRule::Kind::kMeanProbability;
  info.unknown.threshold = released_threshold(std::get<0>(mean.max(1)), recipe_.training.accept);
  return fit_temperature(recipe_.training.accept, info);
}

// The patch, and where it goes.
void HespMethod::add_patch(engine::BundleInfo& info, NamedTorchTensors& tensors) const {
  engine::PixelPrompt prompt{.size = static_cast<int>(model_->patch_size())};
  const torch::Tensor mean = torch::tensor({scale_.mean[0], scale_.mean[1], scale_.mean[2]});
  const torch::Tensor std = torch::tensor({scale_.std[0], scale_.std[1], scale_.std[2]});
  if (recipe_.training.mask == "per_clip") {
    prompt.labels = static_cast<int>(data_.classes.size());
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
  // The engine adds it behind the normalisation.
  tensors.emplace_back("prompt.patch", model_->patch() / std.view({3, 1, 1}));
}

Status HespMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  const HespTraining& training = recipe_.training;
  const engine::BundleInfo& from = towers_->bundle().info();
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info = bundle_info("hesp", training.name, training.licence);
  if (training.text_prompt)
    info.learned = nearest_words(*towers_, model_->contexts(), kHespNearWords);
  info.labels = learned_labels(data_.classes, info.learned, 1);
  if (!training.text_prompt) {
    for (std::size_t c = 0; c < info.labels.size(); ++c) info.labels[c].texts = {names()[c]};
  }
  info.logit_scale = model_->logit_scale();
  NamedTorchTensors owned{{engine::Bundle::kLabelFeatures, model_->texts()}};
  if (training.visual_prompt) add_patch(info, owned);
  if (training.negatives) {
    info.architecture.reciprocal = engine::ReciprocalPoints{
        .labels = static_cast<int>(data_.classes.size()), .length = model_->length()};
    owned.emplace_back("reciprocal.points", model_->points());
  }
  MIEN_RETURN_IF_ERROR(calibrate(info));
  TowerExport tensors(*towers_);
  tensors.replace(owned);
  content.tensors = tensors.views();
  content.tokenizer = towers_->tokenizer().file_text();
  content.card = fmt::format(
      kHespCard, fmt::arg("name", info.name), fmt::arg("init", from.name),
      fmt::arg("data", data_.data.train->name), fmt::arg("samples", data_.data.train_view.size()),
      fmt::arg("labels", fmt::format("{}", fmt::join(data_.classes, ", "))),
      fmt::arg("texts", training.text_prompt
                            ? fmt::format("Each has {} learned tokens; bundle.json names the words "
                                          "they are near to.",
                                          training.contexts)
                            : "Their texts are the bare names."),
      fmt::arg("unknown", fmt::format("{} % of the training clips pass the threshold.",
                                      100 * training.accept)));
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
