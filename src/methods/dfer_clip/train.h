#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "methods/dfer_clip/options.h"
#include "methods/kit/clip_items.h"
#include "mien/data/loader.h"
#include "mien/nn/temporal.h"

namespace mien::methods {

/// DFER-CLIP as the trainer drives it.
class DferClipMethod final : public Method {
 public:
  static Result<std::unique_ptr<Method>> make(const DferClipRecipe& recipe,
                                              const MethodContext& context);

  int epochs(int) const override { return recipe_.training.epochs; }
  StageSettings settings(int) const override { return {.lr = recipe_.training.lr_temporal}; }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  std::int64_t steps_per_epoch(int stage) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  Result<NamedValues> validate(int stage, int epoch) override;
  std::string selects_by() const override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  const Towers& towers() const { return *towers_; }
  const ContextLearner& contexts() const { return *contexts_; }
  /// "temporal.*".
  NamedTorchTensors temporal_tensors() const;
  /// Shape: -> [validation samples, classes], scaled.
  Result<torch::Tensor> validation_logits();
  ClipReader reader() const;

 private:
  struct Scored {
    torch::Tensor logits;  ///< [samples, classes]
    std::vector<std::int64_t> truth;
  };

  DferClipMethod(const DferClipRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}

  Status prepare();
  Status prepare_texts();
  Status prepare_temporal();
  Status prepare_cache();
  bool trains_image() const { return recipe_.training.lr_image > 0; }
  engine::TemporalTower temporal_sizes() const;

  Result<ClipItem> make_item(bool training, std::int64_t place, Rng& rng) const;
  /// Shape: items -> unit clip embeddings [items, embed], in float32.
  torch::Tensor features(const std::vector<ClipItem>& items);
  Result<Scored> score_validation();
  engine::BundleInfo bundle_info() const;

  DferClipRecipe recipe_;
  MethodContext context_;
  TrainingData data_;
  std::optional<Towers> towers_;
  std::vector<std::string> texts_;  ///< one per class
  std::optional<ContextLearner> contexts_;
  nn::TemporalTransformer temporal_{nullptr};
  FrameCache train_rows_, val_rows_;
  std::unique_ptr<data::Loader<ClipItem>> loader_;
};

}  // namespace mien::methods
