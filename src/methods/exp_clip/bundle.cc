// The bundle of Exp-CLIP: the linear map is folded into the projections of both towers.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/exp_clip/train.h"
#include "methods/kit/tower_export.h"
#include "mien/engine/projection.h"
#include "mien/nn/load.h"

namespace mien::methods {
namespace {

constexpr std::string_view kExpClipCard = R"(# {name}

Trained by `mien train` with the method Exp-CLIP (arXiv 2405.19100) from {init}: one linear map from CLIP's joint
space to the {width} numbers of a teacher, the same for pictures and texts, folded into the projections of both
towers.

- Training data: {data}, {samples} pictures without their labels. The weights inherit the terms of this data and of
  the teacher.
- Labels: {labels}, zero-shot by prompts whose scores are averaged; other labels can be asked for.
- Pictures are read {pixels}.
- Not calibrated: probabilities rank the labels.

mien describes how a face looks, not what a person feels. Inferring emotions at work and in education is
prohibited in the EU; results differ between groups of people.
)";

}  // namespace

Status ExpClipMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  const ExpClipTraining& training = recipe_.training;
  const engine::Bundle& from = towers_->bundle();
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info.name = training.name.empty() ? "exp-clip-" + data_.train->name : training.name;
  info.method = "exp-clip";
  info.architecture = from.info().architecture;
  info.architecture.embed = static_cast<int>(teacher_.width());
  info.architecture.temporal.reset();
  info.architecture.neutral.reset();
  info.architecture.regression.reset();
  info.preprocess = reader().preprocess;
  info.crop = from.info().crop;
  info.sampling = reader().sampling;
  info.labels = labels_;
  info.reduce = engine::Reduce::kMeanCosine;
  info.logit_scale = from.info().logit_scale;
  info.licence = training.licence.empty() ? from.info().licence : training.licence;
  info.provenance = context_.provenance;
  info.provenance.set("init", from.info().name);
  info.provenance.set("training_data", data_.train->name);
  info.provenance.set("training_samples", data_.train_view.size());
  TowerExport tensors(*towers_);
  const torch::Tensor head = head_.detach().contiguous();
  for (const std::string& name : engine::joint_projections(from.info().architecture)) {
    MIEN_ASSIGN_OR_RETURN(const Tensor folded,
                          engine::fold_projection(*from.weights().find(name), nn::as_view(head)));
    MIEN_ASSIGN_OR_RETURN(const torch::Tensor copy, nn::to_torch(folded.view()));
    tensors.replace({{name, copy}});
  }
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor rows, label_rows(labels_));
  tensors.replace({{engine::Bundle::kLabelFeatures, rows}});
  content.tensors = tensors.views();
  content.tokenizer = towers_->tokenizer().file_text();
  std::vector<std::string> names;
  for (const text::Label& label : labels_) names.push_back(label.name);
  content.card = fmt::format(
      kExpClipCard, fmt::arg("name", info.name), fmt::arg("init", from.info().name),
      fmt::arg("width", teacher_.width()), fmt::arg("data", data_.train->name),
      fmt::arg("samples", data_.train_view.size()),
      fmt::arg("labels", fmt::format("{}", fmt::join(names, ", "))),
      fmt::arg("pixels", training.preprocess == "init"
                             ? "as the first bundle reads them"
                             : "as published: from 0 to 1, without CLIP's mean and deviation"));
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
