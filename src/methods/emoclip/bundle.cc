// The bundle of EmoCLIP: all of its tensors, with the towers or without the text side.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/emoclip/train.h"
#include "methods/kit/card.h"
#include "mien/engine/bundle.h"
#include "nn/load.h"

namespace mien::methods {
namespace {

constexpr std::string_view kLabelNote =
    "Not calibrated: probabilities rank the labels, and there is no threshold for \"unknown\".";
constexpr std::string_view kRegressionNote =
    "The numbers are estimates from faces alone, not a diagnosis. They may exceed the scale of a "
    "target. Measure them with `mien eval --protocol regression` on people who were not in "
    "training.";

// The label side of a bundle, or the targets of a regression, in a sentence of the card.
std::string answers_of(const engine::BundleInfo& info) {
  std::vector<std::string> names;
  for (const text::Label& label : info.labels) names.push_back(label.name);
  for (const engine::RegressionTarget& target : info.targets) names.push_back(target.name);
  return fmt::format("{}: {}.", info.targets.empty() ? "Labels" : "Targets of the regression",
                     fmt::join(names, ", "));
}

}  // namespace

engine::BundleInfo EmoclipMethod::bundle_info() const {
  engine::BundleInfo info;
  info.name = training_.name.empty() ? "emoclip-" + data_.train->name : training_.name;
  info.method = "emoclip";
  info.architecture = model_.architecture;
  info.preprocess = reader(false).preprocess;
  info.sampling = reader(false).sampling;
  info.labels = labels_.labels;
  info.logit_scale = model_.tau.exp().item<double>();
  info.licence = training_.licence;
  info.provenance = context_.provenance;
  note_data(data_, info.provenance);
  if (!regresses()) {
    const std::string& file = training_.class_texts;
    info.provenance.set("class_texts", file.empty() ? "mien's own" : file);
  }
  note_left_out(data_options_, info.provenance);
  if (data_options_.folds > 0) {
    info.provenance.set("held_out_fold", data_options_.fold);
    info.provenance.set("folds", data_options_.folds);
  }
  if (regresses()) {
    info.architecture.text.reset();  // a regression does not use the text tower
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
    keep(engine::Bundle::kLabelFeatures, class_text_rows());
    content.tokenizer = model_.tokenizer->file_text();
  }
  const Card card{.about = "Trained by `mien train` with the method EmoCLIP (arXiv 2310.16640).",
                  .facts = {data_fact(data_), answers_of(info),
                            std::string(regresses() ? kRegressionNote : kLabelNote)}};
  content.card = card.text(info.name);
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
