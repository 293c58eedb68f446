#pragma once

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "methods/dfer_clip/options.h"
#include "methods/kit/classifier_method.h"
#include "nn/temporal.h"

namespace mien::methods {

/// DFER-CLIP as the trainer drives it.
class DferClipMethod : public ClassifierMethod {
 public:
  Status prepare();

  StageSettings settings(int) const override { return {.lr = training_.lr_temporal}; }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  const ContextLearner& contexts() const { return *contexts_; }
  /// "temporal.*".
  NamedTorchTensors temporal_tensors() const;
  SequenceReader reader() const override;

 protected:
  DferClipMethod(const DferClipRecipe& recipe, const MethodContext& context)
      : ClassifierMethod(recipe.data, recipe.training, context), training_(recipe.training) {}

 private:
  Status prepare_texts();
  Status prepare_temporal();
  bool trains_image() const { return training_.lr_image > 0; }
  engine::TemporalTransformerSizes temporal_sizes() const;

  /// Shape: items -> unit clip embeddings [items, embed], in float32.
  torch::Tensor features(const Items& items);
  Status forward(const Items& items, StepOutput& out) override;
  Status begin_scores() override;
  torch::Tensor score_items(const Items& items) override;
  int score_batch() const override { return 8; }

  DferClipTraining training_;
  std::vector<std::string> texts_;  ///< one per class
  std::optional<ContextLearner> contexts_;
  nn::TemporalTransformer temporal_{nullptr};
  torch::Tensor class_rows_;  ///< [classes, embed] of the pass
};

}  // namespace mien::methods
