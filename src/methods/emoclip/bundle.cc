// Options and bundle of EmoCLIP.
#include "methods/emoclip/options.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/emoclip/train.h"
#include "mien/engine/bundle.h"
#include "mien/nn/load.h"

namespace mien::methods {
namespace {

constexpr std::string_view kEmoclipCard = R"(# {name}

Trained by `mien train` with the method EmoCLIP (arXiv 2310.16640).

- Training data: {data}, {samples} samples. The weights inherit the terms of this data.
- {answers}.
- {calibration}

mien describes how a face looks, not what a person feels. Inferring emotions at work and in education is
prohibited in the EU; results differ between groups of people.
)";

constexpr std::string_view kLabelNote =
    "Not calibrated: probabilities rank the labels, and there is no threshold for \"unknown\".";
constexpr std::string_view kRegressionNote =
    "The numbers are estimates from faces alone and no diagnosis. They may leave the scale of a "
    "target. `mien eval --protocol regression` measures them; give it people who did not train.";

}  // namespace

void EmoclipTraining::register_options(OptionSet& set) {
  set.add("texts", texts, "What is said of a training sample", {"captions", "classes"});
  set.add("class_texts", class_texts,
          "Label file below --data, or set, that describes the classes; empty: mien's own texts");
  set.add("all_texts", all_texts, "Every text of a class; else only its first, as published");
  set.add("objective", objective,
          "Contrastive as published; cross entropy over the class texts; regression",
          {"contrastive", "classes", "regression"});
  set.add("positives", positives, "Matches within a batch", {"diagonal", "same_text"});
  set.add("negatives", negatives, "Of the own process, or of all", {"local", "gathered"});
  set.add("local_chunks", local_chunks, "Parts of a batch with negatives of their own", {1, 4096});
  set.add("soft_targets", soft_targets, "Votes instead of labels (objective classes)");
  set.add("smoothing", smoothing, "Of labels (objective classes)", {0, 0.99});
  set.add("head", head, "Of a regression: two layers, or a linear probe", {"mlp", "linear"});
  set.add("ranges", ranges, "Of a regression: scale of each target, or one for all, as LOW:HIGH");
  set.add("average_by", average_by,
          "Of a regression: column (subject, ...) whose samples are averaged before the figures");
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, "Clips per step and process", {1, 65536});
  set.add("frames", frames, "Frames per clip", {1, 1023});
  set.add("stride", stride, "Every n-th frame in training", {1, 1000});
  set.add("val_stride", val_stride, "Every n-th frame in validation and in the bundle", {1, 1000});
  set.add("val_random", val_random, "Validation starts at a random frame, as published");
  set.add("preprocess", preprocess, "Order and filter of the preparation of pixels",
          {"emoclip", "clip"});
  set.add("grey", grey, "Pictures lose their colour first");
  set.add("balance", balance, "Rare classes are drawn as often as frequent ones");
  set.add("cache", cache, "Keep embeddings of a frozen image tower when nothing is augmented");
  set.group("augment", augment);
  set.add("name", name, "Of the bundle; empty: that of the data");
  set.add("licence", licence, "Of the bundle");
}

void EmoclipRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.add("model.init", model.init, "Bundle that the towers come from; empty: random towers");
  set.add("model.tower.embed", model.tower.embed, "Width of the joint space", {1, 16384});
  set.add("model.tower.image_size", model.tower.image_size, "Pixels", {1, 4096});
  set.add("model.tower.patch", model.tower.patch, "Pixels", {1, 4096});
  set.add("model.tower.width", model.tower.width, "Of the image tower", {1, 16384});
  set.add("model.tower.layers", model.tower.layers, "Of the image tower", {1, 256});
  set.add("model.tower.heads", model.tower.heads, "Of the image tower", {1, 256});
  set.add("model.tower.text_width", model.tower.text_width, "Of the text tower", {1, 16384});
  set.add("model.tower.text_layers", model.tower.text_layers, "Of the text tower", {1, 256});
  set.add("model.tower.text_heads", model.tower.text_heads, "Of the text tower", {1, 256});
  set.add("model.tower.vocabulary", model.tower.vocabulary,
          "\"tiny\" (764 tokens), or a CLIP vocabulary below --data");
  set.add("model.temporal", model.temporal, "Temporal model", {"emoclip", "conventional", "none"});
  set.add("model.temporal_layers", model.temporal_layers, "Its layers", {1, 256});
  set.add("model.trains", model.trains, "What trains; methods-emoclip §7",
          {"temporal", "visual", "text", "both", "all"});
  set.add("model.backbone_lr_factor", model.backbone_lr_factor, "Rate of fine-tuned towers",
          {1e-9, 1});
  set.group("emoclip", training);
}

Result<std::unique_ptr<Method>> EmoclipRecipe::make(const MethodContext& context) const {
  return EmoclipMethod::make(*this, context);
}

namespace {

// The label side of a bundle, or the targets of a regression, in a sentence of the card.
std::string answers_of(const engine::BundleInfo& info) {
  std::vector<std::string> names;
  for (const text::Label& label : info.labels) names.push_back(label.name);
  for (const engine::RegressionTarget& target : info.targets) names.push_back(target.name);
  return fmt::format("{}: {}", info.targets.empty() ? "Labels" : "Targets of the regression",
                     fmt::join(names, ", "));
}

}  // namespace

engine::BundleInfo EmoclipMethod::bundle_info() const {
  engine::BundleInfo info;
  info.name =
      recipe_.training.name.empty() ? "emoclip-" + data_.train->name : recipe_.training.name;
  info.method = "emoclip";
  info.architecture = model_.architecture;
  info.preprocess = reader(false).preprocess;
  info.sampling = reader(false).sampling;
  info.labels = labels_.labels;
  info.logit_scale = model_.tau.exp().item<double>();
  info.licence = recipe_.training.licence;
  info.provenance = context_.provenance;
  info.provenance.set("training_data", data_.train->name);
  info.provenance.set("training_samples", data_.train_view.size());
  if (!regresses()) {
    const std::string& file = recipe_.training.class_texts;
    info.provenance.set("class_texts", file.empty() ? "mien's own" : file);
  }
  if (!recipe_.data.leave_out.empty()) info.provenance.set("left_out", recipe_.data.leave_out);
  if (recipe_.data.folds > 0) {
    info.provenance.set("held_out_fold", recipe_.data.fold);
    info.provenance.set("folds", recipe_.data.folds);
  }
  if (regresses()) {
    info.architecture.text.reset();  // the text tower has no part in a regression
    info.architecture.regression = head_sizes();
    info.targets = targets_;
  }
  return info;
}

Status EmoclipMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info = bundle_info();
  std::vector<torch::Tensor> owned;
  const auto keep = [&](const std::string& name, const torch::Tensor& tensor) {
    owned.push_back(tensor.detach().to(torch::kFloat32).contiguous());
    content.tensors.emplace_back(name, nn::as_view(owned.back()));
  };
  const NamedTorchTensors all = model_.named();
  owned.reserve(all.size() + head_.size() + 1);
  for (const auto& [name, tensor] : all) {
    const bool kept = info.architecture.text || name.starts_with("visual.") ||
                      name.starts_with("temporal.") || name == "logit_scale";
    if (kept) keep(name, tensor);
  }
  for (const auto& [name, tensor] : head_) keep(name, tensor);
  if (info.architecture.text) {
    std::vector<std::int64_t> places;
    for (const auto& texts : class_texts_) places.insert(places.end(), texts.begin(), texts.end());
    keep(engine::Bundle::kLabelFeatures, text_rows(places));
    content.tokenizer = model_.tokenizer->file_text();
  }
  content.card = fmt::format(
      kEmoclipCard, fmt::arg("name", info.name), fmt::arg("data", data_.train->name),
      fmt::arg("samples", data_.train_view.size()), fmt::arg("answers", answers_of(info)),
      fmt::arg("calibration", regresses() ? kRegressionNote : kLabelNote));
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
