#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "methods/clip_items.h"
#include "methods/hesp_model.h"
#include "methods/open_set_data.h"
#include "mien/data/loader.h"
#include "mien/methods/hesp.h"
#include "mien/methods/towers.h"

namespace mien::methods {

/// HESP as the trainer drives it.
class HespMethod final : public Method {
 public:
  static Result<std::unique_ptr<Method>> make(const HespRecipe& recipe,
                                              const MethodContext& context);

  int epochs(int) const override { return recipe_.training.epochs; }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override { return model_->state(); }
  std::int64_t steps_per_epoch(int stage) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  void before_update() override { model_->update(); }
  Result<NamedValues> validate(int stage, int epoch) override;
  std::string selects_by() const override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  HespModel& model() { return *model_; }
  const Towers& towers() const { return *towers_; }

 private:
  HespMethod(const HespRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}

  Status prepare();
  std::vector<std::string> names() const;
  /// Frames [T, 3, S, S], 0 to 1.
  Result<ClipItem> make_item(const data::Manifest& manifest, bool training, std::int64_t place,
                             Rng& rng) const;
  torch::Tensor frames_of(const std::vector<ClipItem>& items) const;
  std::vector<PromptPlace> places_of(const torch::Tensor& frames);
  /// Of all samples of a view, in its order; no graph.
  Result<HespScores> score(const data::Manifest& manifest, const data::View& view,
                           std::vector<std::int64_t>* read);
  Result<OpenSetAnswers> answers();
  Status calibrate(engine::BundleInfo& info);

  HespRecipe recipe_;
  MethodContext context_;
  OpenSetData data_;
  std::optional<Towers> towers_;
  std::optional<HespModel> model_;
  ClipReader reader_;                 ///< without the normalisation
  image::PreprocessSpec preprocess_;  ///< with it, as a bundle has it
  data::PlaneScale scale_;
  std::unique_ptr<data::Loader<ClipItem>> loader_;
};

}  // namespace mien::methods
