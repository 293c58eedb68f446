// The bundle of the attention pool: the first one, with a temporal model.
#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>

#include "methods/compact/pool_train.h"
#include "nn/load.h"
#include "text/tokenizer.h"

namespace mien::methods {

Status TemporalPoolMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  engine::BundleContent content;
  content.info = bundle_->info();
  engine::BundleInfo& info = content.info;
  info.files.clear();
  if (!recipe_.training.name.empty()) info.name = recipe_.training.name;
  const int frames = std::max(recipe_.training.frames, kShortest);
  info.architecture.temporal = engine::AttentionPoolSizes{
      .width = encoder_->embed(), .hidden = recipe_.training.hidden, .positions = frames + 1};
  info.sampling = {.rule = video::SamplingRule::kUniform, .frames = frames, .stride = 1};
  Json temporal = context_.provenance;
  temporal.set("training_data", data_.train->name);
  temporal.set("sequences", "made from pictures");
  info.provenance.set("temporal", std::move(temporal));
  for (const auto& [name, tensor] : bundle_->weights().tensors()) {
    if (!name.starts_with("temporal.")) content.tensors.emplace_back(name, tensor);
  }
  NamedTorchTensors owned;
  for (const auto& [name, tensor] : nn::named_parameters(*pool_)) {
    owned.emplace_back("temporal." + name, tensor.detach().contiguous());
  }
  for (const auto& [name, tensor] : owned) content.tensors.emplace_back(name, nn::as_view(tensor));
  if (bundle_->has_text_tower()) {
    MIEN_ASSIGN_OR_RETURN(const auto tokenizer, bundle_->tokenizer());
    content.tokenizer = tokenizer->file_text();
  }
  MIEN_ASSIGN_OR_RETURN(content.card, bundle_->card());
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
