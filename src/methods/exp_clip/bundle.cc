// The bundle of Exp-CLIP: the linear map is folded into the projections of both towers.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "engine/projection.h"
#include "methods/exp_clip/train.h"
#include "nn/load.h"

namespace mien::methods {

Status ExpClipMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  const engine::Bundle& from = towers_->bundle();
  engine::BundleInfo info = bundle_info("exp-clip");
  info.architecture.embed = static_cast<int>(teacher_.width());
  info.architecture.neutral.reset();
  info.architecture.regression.reset();
  info.labels = labels_;
  info.reduce = engine::Reduce::kMeanCosine;
  info.logit_scale = from.info().logit_scale;
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
  std::vector<std::string> names;
  for (const text::Label& label : labels_) names.push_back(label.name);
  const Card card{
      .about = fmt::format(
          "Trained by `mien train` with the method Exp-CLIP (arXiv 2405.19100) from {}: one linear "
          "map from CLIP's joint\nspace to the {} numbers of a teacher, the same for pictures and "
          "texts, folded into the projections of both\ntowers.",
          from.info().name, teacher_.width()),
      .facts = {fmt::format("Training data: {}, {} pictures without their labels. The weights "
                            "inherit the terms of this data and of\n  the teacher.",
                            data_.train->name, data_.train_view.size()),
                fmt::format("Labels: {}, zero-shot by prompts whose scores are averaged; other "
                            "labels can be asked for.",
                            fmt::join(names, ", ")),
                pixels_fact(training_.preprocess), calibration_fact(info)}};
  return write(std::move(info), tensors, card, path, overwrite);
}

}  // namespace mien::methods
