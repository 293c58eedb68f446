#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "methods/emoclip/options.h"
#include "methods/emoclip/text_bank.h"
#include "methods/kit/frame_cache.h"
#include "mien/data/loader.h"
#include "mien/engine/bundle.h"
#include "mien/text/labels.h"

namespace mien::methods {

/// EmoCLIP as the trainer drives it.
class EmoclipMethod final : public Method {
 public:
  static Result<std::unique_ptr<Method>> make(const EmoclipRecipe& recipe,
                                              const MethodContext& context);

  int epochs(int) const override { return recipe_.training.epochs; }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  std::int64_t steps_per_epoch(int stage) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  Result<NamedValues> validate(int stage, int epoch) override;
  std::string selects_by() const override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

 private:
  /// A clip on its way to the model: pixels [frames, 3, S, S], or cached embeddings
  /// [frames, embed].
  struct Clip {
    std::vector<float> values;
    std::int64_t place = 0;
    std::int64_t text = 0;  ///< place in the bank
    int label = -1;
  };

  EmoclipMethod(const EmoclipRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}

  Status prepare();
  Status prepare_texts();
  Status prepare_captions();
  Status prepare_cache();
  Result<FrameCache> cache_rows(const data::Manifest& manifest, const std::string& which);
  Status prepare_head();
  engine::RegressionHead head_sizes() const;
  engine::BundleInfo bundle_info() const;
  bool regresses() const { return recipe_.training.objective == "regression"; }
  bool cached() const { return !train_rows_.empty(); }
  ClipReader reader(bool training) const;

  Result<Clip> make_clip(bool training, std::int64_t place, Rng& rng) const;
  Result<std::int64_t> choose_text(const data::Sample& sample, std::int64_t place, Rng& rng) const;
  /// Shape: clips -> frame embeddings [clips, frames, embed].
  torch::Tensor frames_of(const std::vector<Clip>& clips);
  /// Shape: places in the bank -> unit embeddings [places, embed].
  torch::Tensor text_rows(const std::vector<std::int64_t>& places);
  /// Shape: [classes, embed], unit: the mean of each class's texts.
  torch::Tensor class_rows();

  torch::Tensor contrastive_loss(const torch::Tensor& videos, const std::vector<Clip>& clips);
  torch::Tensor class_loss(const torch::Tensor& videos, const std::vector<Clip>& clips);
  torch::Tensor predict_targets(const torch::Tensor& frames);
  torch::Tensor targets_of(const data::Manifest& manifest, const std::vector<Clip>& clips) const;
  /// Rows of samples that share a value of average_by become their mean.
  torch::Tensor averaged(const torch::Tensor& rows, const std::vector<std::int64_t>& places) const;
  Result<NamedValues> target_figures(const torch::Tensor& truth, const torch::Tensor& said) const;

  EmoclipRecipe recipe_;
  MethodContext context_;
  EmoclipModel model_;
  TrainingData data_;
  text::LabelSet labels_;
  std::optional<TextBank> bank_;
  std::vector<std::vector<std::int64_t>> class_texts_;  ///< places in the bank
  std::vector<std::int64_t> captions_;                  ///< by sample; -1: none
  torch::Tensor frozen_texts_;  ///< [bank, embed] when the text tower is frozen
  NamedTorchTensors head_;      ///< regression
  std::vector<engine::RegressionTarget> targets_;
  FrameCache train_rows_, val_rows_;
  std::unique_ptr<data::Loader<Clip>> loader_;
};

}  // namespace mien::methods
