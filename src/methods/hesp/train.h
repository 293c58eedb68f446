#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "methods/hesp/model.h"
#include "methods/hesp/options.h"
#include "methods/kit/open_set_method.h"

namespace mien::methods {

/// HESP as the trainer drives it.
class HespMethod final : public OpenSetMethod {
 public:
  static Result<std::unique_ptr<Method>> make(const HespRecipe& recipe,
                                              const MethodContext& context);

  int epochs(int) const override { return recipe_.training.epochs; }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override { return model_->state(); }
  Result<StepOutput> step() override;
  void before_update() override { model_->update(); }
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  HespModel& model() { return *model_; }

 private:
  HespMethod(const HespRecipe& recipe, const MethodContext& context)
      : OpenSetMethod(recipe.data, context), recipe_(recipe) {}

  Status prepare();
  std::vector<std::string> names() const;
  /// Frames [T, 3, S, S], 0 to 1.
  Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                             std::int64_t place, Rng& rng) const override;
  void begin_scores() override;
  OpenSetScores score_items(const std::vector<ClipItem>& items) override;
  torch::Tensor frames_of(const std::vector<ClipItem>& items) const;
  void add_patch(engine::BundleInfo& info, NamedTorchTensors& tensors) const;
  std::vector<PromptPlace> places_of(const torch::Tensor& frames);
  Status calibrate(engine::BundleInfo& info);

  HespRecipe recipe_;
  std::optional<HespModel> model_;
  data::PlaneScale scale_;
  torch::Tensor texts_, points_;  ///< of the prompts when begin_scores was called
};

}  // namespace mien::methods
