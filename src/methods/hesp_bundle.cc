// The bundle of HESP: towers as they were, learned texts, the patch, the points of the negatives.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "methods/hesp_run.h"
#include "methods/learned_labels.h"
#include "mien/methods/prompt_learner.h"
#include "mien/metrics/calibration.h"
#include "mien/nn/load.h"

namespace mien::methods {
namespace {

constexpr int kNearWords = 5;
constexpr std::string_view kCard = R"(# {name}

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
  MIEN_ASSIGN_OR_RETURN(const HespScores train,
                        score(*data_.data.train, data_.data.train_view, nullptr));
  torch::Tensor mean = at::softmax(train.known.to(torch::kFloat64), 1);
  if (train.negative.defined()) {
    mean = (mean + at::softmax(train.negative.to(torch::kFloat64), 1)) / 2;
  }
  const torch::Tensor surest =
      std::get<0>(std::get<0>(mean.max(1)).sort(0, /*descending=*/true)).contiguous();
  const auto count = static_cast<double>(surest.numel());
  const auto place =
      std::min(static_cast<std::int64_t>(recipe_.training.accept * count), surest.numel() - 1);
  info.unknown.kind = engine::UnknownRule::Kind::kMeanProbability;
  info.unknown.threshold = surest[place].item<double>();
  Json calibration = Json::object();
  calibration.set("data", data_.data.train->name);
  calibration.set("samples", data_.data.train_view.size());
  calibration.set("accept", recipe_.training.accept);
  info.provenance.set("calibration", std::move(calibration));
  if (data_.data.val_view.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const OpenSetAnswers said, answers());
  const torch::Tensor logits = said.closed.to(torch::kFloat64).contiguous();
  const std::vector<int> truth(said.truth.begin(), said.truth.end());
  MIEN_ASSIGN_OR_RETURN(info.temperature, metrics::fit_temperature(
                                              std::span(logits.data_ptr<double>(),
                                                        static_cast<std::size_t>(logits.numel())),
                                              data_.classes.size(), truth));
  return {};
}

Status HespMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  const HespTraining& training = recipe_.training;
  if (training.visual_prompt && training.mask == "per_clip") {
    return unsupported(
        "hesp.mask: per_clip places the patch anew for every clip, which bundles cannot hold "
        "(expected per_run, to export)");
  }
  const engine::Bundle& from = towers_->bundle();
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info.name = training.name.empty() ? "hesp-" + data_.data.train->name : training.name;
  info.method = "hesp";
  info.architecture = from.info().architecture;
  info.architecture.temporal.reset();
  info.preprocess = preprocess_;
  info.crop = from.info().crop;
  info.sampling = reader_.sampling;
  if (training.text_prompt) info.learned = nearest_words(*towers_, model_->contexts(), kNearWords);
  info.labels = learned_labels(data_.classes, info.learned, 1);
  if (!training.text_prompt) {
    for (std::size_t c = 0; c < info.labels.size(); ++c) info.labels[c].texts = {names()[c]};
  }
  info.logit_scale = model_->logit_scale();
  info.licence = training.licence.empty() ? from.info().licence : training.licence;
  info.provenance = context_.provenance;
  info.provenance.set("init", from.info().name);
  info.provenance.set("training_data", data_.data.train->name);
  info.provenance.set("training_samples", data_.data.train_view.size());
  if (!training.split.empty()) info.provenance.set("split", training.split);
  NamedTorchTensors owned{{engine::Bundle::kLabelFeatures, model_->texts().contiguous()}};
  const auto plain = [](const torch::Tensor& tensor) {
    return tensor.detach().to(torch::kFloat32).contiguous();
  };
  if (training.visual_prompt) {
    const PromptPlace place = model_->place();
    const std::int64_t half = model_->patch_size() / 2;
    info.architecture.prompt = engine::PixelPrompt{.size = static_cast<int>(model_->patch_size()),
                                                   .row = static_cast<int>(place.row - half),
                                                   .col = static_cast<int>(place.col - half)};
    // The engine adds it behind the normalisation.
    const torch::Tensor std =
        torch::tensor({scale_.std[0], scale_.std[1], scale_.std[2]}).view({3, 1, 1});
    owned.emplace_back("prompt.patch", plain(model_->patch() / std));
  }
  if (training.negatives) {
    info.architecture.reciprocal =
        engine::ReciprocalPoints{.labels = static_cast<int>(data_.classes.size())};
    owned.emplace_back("reciprocal.points", plain(model_->points()));
  }
  MIEN_RETURN_IF_ERROR(calibrate(info));
  for (const auto& [name, view] : from.weights().tensors()) {
    const bool other = name == engine::Bundle::kLabelFeatures || name == "logit_scale" ||
                       name.starts_with("temporal.") || name.starts_with("prompt.") ||
                       name.starts_with("reciprocal.");
    if (!other) content.tensors.emplace_back(name, view);
  }
  for (const auto& [name, tensor] : owned) content.tensors.emplace_back(name, nn::as_view(tensor));
  content.tokenizer = towers_->tokenizer().file_text();
  content.card = fmt::format(
      kCard, fmt::arg("name", info.name), fmt::arg("init", from.info().name),
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
