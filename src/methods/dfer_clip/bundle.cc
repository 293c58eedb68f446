// The bundle of DFER-CLIP: a CLIP with a temporal model, and label features that no text gives.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/dfer_clip/train.h"
#include "methods/kit/learned_labels.h"
#include "methods/kit/nearest_words.h"

namespace mien::methods {
Status DferClipMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  engine::BundleInfo info = bundle_info("dfer-clip");
  info.architecture.temporal = temporal_sizes();
  info.architecture.neutral.reset();
  info.architecture.regression.reset();
  info.learned = contexts_->nearest(*towers_, kNearWords);
  info.labels = context_labels(data_.train->classes, texts_, info.learned);
  info.logit_scale = 1 / training_.temperature;
  MIEN_RETURN_IF_ERROR(calibrate(info));
  TowerExport tensors(*towers_);
  if (trains_image()) tensors.replace(towers_->image_tensors());
  tensors.replace(temporal_tensors());
  tensors.replace({{engine::Bundle::kLabelFeatures, contexts_->encode(*towers_)}});
  const Card card{
      .about = fmt::format(
          "Trained by `mien train` with the method DFER-CLIP (arXiv 2308.13382) from {}.",
          towers_->bundle().info().name),
      .facts = {data_fact(data_, "clips"),
                fmt::format("Labels: {}. Each has a written text and {} learned tokens; "
                            "bundle.json lists the words\n  closest to them.",
                            class_names(), training_.contexts.tokens),
                pixels_fact(training_.preprocess), calibration_fact(info)}};
  return write(std::move(info), tensors, card, path, overwrite);
}

}  // namespace mien::methods
