#pragma once

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "methods/coop/options.h"
#include "methods/kit/classifier_method.h"
#include "nn/attention_pool.h"

namespace mien::methods {

/// Training of CoOp on cached embeddings.
class CoopMethod : public ClassifierMethod {
 public:
  Status prepare();

  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  const ContextLearner& contexts() const { return *contexts_; }
  SequenceReader reader() const override;

 protected:
  CoopMethod(const CoopRecipe& recipe, const MethodContext& context)
      : ClassifierMethod(recipe.data, recipe.training, context), training_(recipe.training) {}

 private:
  /// "temporal.*".
  NamedTorchTensors pool_tensors() const;
  /// Shape: texts [classes, embed], unit -> [items, classes], scaled.
  torch::Tensor logits(const Items& items, const torch::Tensor& texts);
  Status forward(const Items& items, StepOutput& out) override;
  Status begin_scores() override;
  torch::Tensor score_items(const Items& items) override { return logits(items, texts_); }

  CoopTraining training_;
  std::optional<ContextLearner> contexts_;
  nn::AttentionPool pool_{nullptr};
  torch::Tensor texts_;  ///< of the classes when begin_scores was called
};

}  // namespace mien::methods
