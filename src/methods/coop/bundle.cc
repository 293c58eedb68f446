// The bundle of CoOp: towers as they were, the learned texts of the classes, the weights of frames.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/coop/train.h"
#include "methods/kit/learned_labels.h"
#include "methods/kit/nearest_words.h"

namespace mien::methods {

Status CoopMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  const engine::BundleInfo& from = towers_->bundle().info();
  const std::vector<std::string>& classes = data_.train->classes;
  engine::BundleInfo info = bundle_info("coop");
  info.architecture.temporal = engine::AttentionPoolSizes{.width = from.architecture.embed,
                                                          .hidden = training_.hidden,
                                                          .positions = training_.frames + 1};
  info.learned = contexts_->nearest(*towers_, kNearWords);
  info.labels = context_labels(classes, classes, info.learned);
  info.logit_scale = from.logit_scale;
  MIEN_RETURN_IF_ERROR(calibrate(info));
  TowerExport tensors(*towers_);
  tensors.replace(pool_tensors());
  tensors.replace({{engine::Bundle::kLabelFeatures, contexts_->encode(*towers_)}});
  const Card card{
      .about = fmt::format(
          "Trained by `mien train` with the method CoOp (arXiv 2109.01134) from {}.", from.name),
      .facts = {data_fact(data_, "clips"),
                fmt::format("Labels: {}. {} learned tokens stand beside the name of each{}; "
                            "bundle.json names the words that\n  these are near to.",
                            class_names(), training_.contexts.tokens,
                            training_.contexts.shared ? ", the same for all" : ""),
                "A clip is a weighted mean of its frames.", calibration_fact(info)}};
  return write(std::move(info), tensors, card, path, overwrite);
}

}  // namespace mien::methods
