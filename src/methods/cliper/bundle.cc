// The bundle of CLIPER: learned descriptors as label features, and the words closest to them.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/cliper/train.h"
#include "methods/kit/learned_labels.h"
#include "methods/kit/nearest_words.h"

namespace mien::methods {

std::vector<text::Label> CliperMethod::bundle_labels(
    const std::vector<engine::LearnedText>& learned) const {
  std::vector<text::Label> out =
      learned_labels(data_.train->classes, learned, static_cast<std::size_t>(per_class()));
  for (text::Label& label : out) {
    if (!learned.empty()) break;
    std::string text = training_.written;
    text.replace(text.find("{}"), 2, label.name);
    label.texts.push_back(std::move(text));
  }
  return out;
}

Status CliperMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  // Weights may have been restored since the last epoch.
  stage_ = plan_.back();
  tower_changed_ = trains_tower();
  descriptors_ = encode_descriptors().contiguous();
  const engine::BundleInfo& from = towers_->bundle().info();
  engine::BundleInfo info = bundle_info("cliper");
  if (training_.frames == 1) info.sampling = from.sampling;
  if (prompts_) info.learned = prompts_->nearest(*towers_, kNearWords);
  info.labels = bundle_labels(info.learned);
  info.reduce = engine::Reduce::kMeanCosine;
  info.logit_scale = 1 / training_.temperature;
  MIEN_RETURN_IF_ERROR(calibrate(info));
  // Frozen towers are copied as they are stored, whatever their type.
  TowerExport tensors(*towers_);
  if (trains_tower()) tensors.replace(towers_->image_tensors());
  tensors.replace({{engine::Bundle::kLabelFeatures, descriptors_}});
  const std::string texts =
      prompts_ ? fmt::format(
                     "Each has {} learned descriptors of {} tokens; bundle.json lists the "
                     "words closest to them.",
                     training_.learned.per_class, training_.learned.tokens)
               : "Each has one written description.";
  const Card card{
      .about = fmt::format(
          "Trained by `mien train` with the method CLIPER (arXiv 2303.00193) from {}.", from.name),
      .facts = {data_fact(data_), fmt::format("Labels: {}. {}", class_names(), texts),
                calibration_fact(info)}};
  return write(std::move(info), tensors, card, path, overwrite);
}

}  // namespace mien::methods
