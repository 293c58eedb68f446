#pragma once

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "methods/hesp/model.h"
#include "methods/hesp/options.h"

namespace mien::methods {

/// Training of HESP.
class HespMethod : public OpenSetMethod {
 public:
  Status prepare();

  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override { return model_->state(); }
  void before_update() override { model_->update(); }
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  HespModel& model() { return *model_; }

 protected:
  HespMethod(const HespRecipe& recipe, const MethodContext& context)
      : OpenSetMethod(recipe.data, recipe.training, context), training_(recipe.training) {}

 private:
  std::vector<std::string> names() const;
  /// Frames [T, 3, S, S], 0 to 1.
  Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                             std::int64_t place, Rng& rng) const override;
  Status forward(const Items& items, StepOutput& out) override;
  void begin_scores() override;
  OpenSetLogits score_items(const Items& items) override;
  torch::Tensor frames_of(const Items& items) const;
  void add_patch(engine::BundleInfo& info, NamedTorchTensors& tensors) const;
  std::vector<PromptPlace> places_of(const torch::Tensor& frames);
  Status calibrate(engine::BundleInfo& info);

  HespTraining training_;
  std::optional<HespModel> model_;
  image::PreprocessSpec preprocess_;  ///< as the bundle has it: the reader does not normalise
  data::PlaneScale scale_;
  torch::Tensor texts_, points_;  ///< of the prompts when begin_scores was called
};

}  // namespace mien::methods
