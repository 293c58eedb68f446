// The bundle of ARPL: unchanged towers, the names of the known classes, the points.
#include <ATen/ATen.h>
#include <torch/utils.h>

#include "methods/arpl/train.h"
#include "methods/kit/learned_labels.h"

namespace mien::methods {

Status ArplMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  const engine::BundleInfo& from = towers_->bundle().info();
  engine::BundleInfo info = open_set_info("arpl");
  info.logit_scale = from.logit_scale;
  info.labels = learned_labels(data_.train->classes, {}, 1);
  std::vector<torch::Tensor> texts;
  for (const std::string& name : published_names()) {
    info.labels[texts.size()].texts = {name};
    MIEN_ASSIGN_OR_RETURN(texts.emplace_back(), towers_->unit_text(name));
  }
  info.architecture.reciprocal =
      engine::ReciprocalPoints{.labels = static_cast<int>(data_.train->classes.size()),
                               .adapter = training_.adapter,
                               .cosine_weight = 0,
                               .distance_weight = 1,
                               .length = length_};
  MIEN_ASSIGN_OR_RETURN(const OpenSetLogits train, score_training());
  info.unknown.kind = engine::UnknownRule::Kind::kMaxLogit;
  info.unknown.threshold = released_threshold(std::get<0>(train.negative.max(1)), training_.accept);
  MIEN_RETURN_IF_ERROR(fit_temperature(info));
  TowerExport tensors(*towers_);
  tensors.replace(
      {{engine::Bundle::kLabelFeatures, at::stack(texts)}, {"reciprocal.points", points_}});
  if (adapter_.defined()) tensors.replace({{"reciprocal.adapter", adapter_}});
  const Card about = card(
      "Trained by `mien train` with the method ARPL (arXiv 2103.00953) on the embeddings of " +
          from.name + ".",
      "samples",
      "The score of one is how far an embedding is from the point that stands for all but it.");
  return write(std::move(info), tensors, about, path, overwrite);
}

}  // namespace mien::methods
