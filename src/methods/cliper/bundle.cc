// The bundle of CLIPER: learned descriptors as label features, and what words they are near to.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/cliper/train.h"
#include "methods/kit/learned_labels.h"
#include "methods/kit/unknown_rule.h"
#include "mien/nn/load.h"

namespace mien::methods {
namespace {

constexpr int kCliperNearWords = 5;
constexpr std::string_view kCliperCard = R"(# {name}

Trained by `mien train` with the method CLIPER (arXiv 2303.00193) from {init}.

- Training data: {data}, {samples} samples. The weights inherit the terms of this data.
- Labels: {labels}. {texts}
- {calibration}

mien describes how a face looks, not what a person feels. Inferring emotions at work and in education is
prohibited in the EU; results differ between groups of people.
)";

}  // namespace

std::vector<text::Label> CliperMethod::bundle_labels(
    const std::vector<engine::LearnedText>& learned) const {
  std::vector<text::Label> out =
      learned_labels(data_.train->classes, learned, static_cast<std::size_t>(per_class()));
  for (text::Label& label : out) {
    if (!learned.empty()) break;
    std::string text = recipe_.training.written;
    text.replace(text.find("{}"), 2, label.name);
    label.texts.push_back(std::move(text));
  }
  return out;
}

Status CliperMethod::calibrate(const torch::Tensor& descriptors, engine::BundleInfo& info) {
  if (data_.val_view.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const Scored scored, score_validation(descriptors));
  return methods::calibrate(scored.means, scored.truth, recipe_.training.accept, data_.val->name,
                            info);
}

Status CliperMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  const CliperTraining& training = recipe_.training;
  const engine::Bundle& from = towers_->bundle();
  // Weights may have been restored since the last epoch.
  stage_ = plan_.back();
  tower_changed_ = trains_tower();
  const torch::Tensor rows = encode_descriptors().contiguous();
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info.name = training.name.empty() ? "cliper-" + data_.train->name : training.name;
  info.method = "cliper";
  info.architecture = from.info().architecture;
  info.architecture.temporal.reset();
  info.preprocess = reader().preprocess;
  info.crop = from.info().crop;
  info.sampling = training.frames > 1 ? reader().sampling : from.info().sampling;
  if (prompts_) info.learned = prompts_->nearest(*towers_, kCliperNearWords);
  info.labels = bundle_labels(info.learned);
  info.reduce = engine::Reduce::kMeanCosine;
  info.logit_scale = 1 / training.temperature;
  info.licence = training.licence.empty() ? from.info().licence : training.licence;
  info.provenance = context_.provenance;
  info.provenance.set("init", from.info().name);
  info.provenance.set("training_data", data_.train->name);
  info.provenance.set("training_samples", data_.train_view.size());
  if (!recipe_.data.leave_out.empty()) info.provenance.set("left_out", recipe_.data.leave_out);
  MIEN_RETURN_IF_ERROR(calibrate(rows, info));
  // Frozen towers are copied as they are stored, whatever their type.
  NamedTorchTensors owned;
  if (plan_.back() == Stage::kTower) {
    for (const auto& [name, tensor] : towers_->image_tensors()) {
      owned.emplace_back(name, tensor.detach().to(torch::kFloat32).contiguous());
    }
  }
  for (const auto& [name, view] : from.weights().tensors()) {
    const bool replaced = !owned.empty() && name.starts_with("visual.");
    const bool other = name == engine::Bundle::kLabelFeatures || name == "logit_scale" ||
                       name.starts_with("temporal.");
    if (!replaced && !other) content.tensors.emplace_back(name, view);
  }
  owned.emplace_back(engine::Bundle::kLabelFeatures, rows);
  for (const auto& [name, tensor] : owned) content.tensors.emplace_back(name, nn::as_view(tensor));
  content.tokenizer = towers_->tokenizer().file_text();
  content.card = fmt::format(
      kCliperCard, fmt::arg("name", info.name), fmt::arg("init", from.info().name),
      fmt::arg("data", data_.train->name), fmt::arg("samples", data_.train_view.size()),
      fmt::arg("labels", fmt::format("{}", fmt::join(data_.train->classes, ", "))),
      fmt::arg("texts",
               prompts_ ? fmt::format("Each has {} learned descriptors of {} tokens; bundle.json "
                                      "names the words they are near to.",
                                      training.learned.per_class, training.learned.tokens)
                        : "Each has one written description."),
      fmt::arg("calibration",
               info.unknown.threshold
                   ? "Probabilities and the threshold for \"unknown\" were fitted on "
                     "the validation part."
                   : "Not calibrated: probabilities rank the labels."));
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
