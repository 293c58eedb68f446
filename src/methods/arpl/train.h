#pragma once

#include <torch/types.h>

#include <filesystem>
#include <vector>

#include "methods/arpl/options.h"

namespace mien::methods {

/// Training of ARPL on cached embeddings.
class ArplMethod : public OpenSetMethod {
 public:
  Status prepare();

  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  /// Shape: rows [N, T, D], the tower's -> z [N, K].
  torch::Tensor scores(const torch::Tensor& rows) const;

 protected:
  ArplMethod(const ArplRecipe& recipe, const MethodContext& context)
      : OpenSetMethod(recipe.data, recipe.training, context), training_(recipe.training) {}

 private:
  Status forward(const Items& items, StepOutput& out) override;
  OpenSetLogits score_items(const Items& items) override;
  torch::Tensor features(const torch::Tensor& rows) const;

  ArplTraining training_;
  double length_ = 0;                        ///< of embeddings; 0: their own
  torch::Tensor points_, radius_, adapter_;  ///< [K, D], [1], [D, D] or undefined
};

}  // namespace mien::methods
