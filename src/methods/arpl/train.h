#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "methods/arpl/options.h"
#include "methods/kit/open_set_method.h"

namespace mien::methods {

/// ARPL as the trainer drives it, on cached embeddings.
class ArplMethod final : public OpenSetMethod {
 public:
  static Result<std::unique_ptr<Method>> make(const ArplRecipe& recipe,
                                              const MethodContext& context);

  int epochs(int) const override { return recipe_.training.epochs; }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  Result<StepOutput> step() override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  /// Shape: rows [N, T, D], the tower's -> z [N, K].
  torch::Tensor scores(const torch::Tensor& rows) const;

 private:
  ArplMethod(const ArplRecipe& recipe, const MethodContext& context)
      : OpenSetMethod(recipe.data, context), recipe_(recipe) {}

  Status prepare();
  /// Rows [T, D] of the cache.
  Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                             std::int64_t place, Rng& rng) const override;
  OpenSetScores score_items(const std::vector<ClipItem>& items) override;
  torch::Tensor rows_of(const std::vector<ClipItem>& items) const;
  torch::Tensor features(const torch::Tensor& rows) const;

  ArplRecipe recipe_;
  FrameCache train_rows_, val_rows_;
  double length_ = 0;                        ///< of embeddings; 0: their own
  torch::Tensor points_, radius_, adapter_;  ///< [K, D], [1], [D, D] or undefined
};

}  // namespace mien::methods
