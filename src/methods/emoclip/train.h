#pragma once

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "methods/emoclip/model.h"
#include "methods/emoclip/options.h"
#include "methods/emoclip/text_bank.h"
#include "methods/kit/sample_method.h"
#include "mien/text/labels.h"

namespace mien::methods {

/// Training of EmoCLIP. An item is a clip: pixels [frames, 3, S, S], or cached embeddings [frames,
/// embed]; its text is an index into the bank.
class EmoclipMethod : public SampleMethod {
 public:
  Status prepare();

  int epochs(int) const override { return training_.epochs; }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  Result<NamedValues> validate(int stage, int epoch) override;
  std::string selects_by() const override { return regresses() ? "ccc" : "war"; }
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

 protected:
  EmoclipMethod(const EmoclipRecipe& recipe, const MethodContext& context)
      : SampleMethod(recipe.data, context), options_(recipe.model), training_(recipe.training) {}

 private:
  Status prepare_texts();
  Status prepare_captions();
  Status prepare_cache();
  Status prepare_head();
  engine::RegressionHead head_sizes() const;
  engine::BundleInfo bundle_info() const;
  bool regresses() const { return training_.objective == "regression"; }
  bool cached() const { return !train_rows_.empty(); }
  SequenceReader reader(bool training) const;
  data::View epoch_view(Rng& rng) const override;

  Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                             std::int64_t place, Rng& rng) const override;
  Result<std::int64_t> choose_text(const data::Sample& sample, std::int64_t place, Rng& rng) const;
  Status forward(const Items& items, StepOutput& out) override;
  /// Shape: clips -> frame embeddings [clips, frames, embed].
  torch::Tensor frames_of(const Items& clips);
  /// Shape: indices into the bank -> unit embeddings [indices, embed].
  torch::Tensor text_rows(const std::vector<std::int64_t>& places);
  /// The texts of all classes, one after the other. Shape: [texts, embed], unit.
  torch::Tensor class_text_rows();
  /// Shape: [classes, embed], unit: the mean of each class's texts.
  torch::Tensor class_rows();

  torch::Tensor contrastive_loss(const torch::Tensor& videos, const Items& clips);
  torch::Tensor class_loss(const torch::Tensor& videos, const Items& clips);
  Result<NamedValues> validate_classes();
  Result<NamedValues> validate_targets();
  torch::Tensor predict_targets(const torch::Tensor& frames);
  torch::Tensor targets_of(const data::Manifest& manifest, const Items& clips) const;
  /// Rows of samples that share a value of average_by become their mean.
  torch::Tensor averaged(const torch::Tensor& rows, const std::vector<std::int64_t>& places) const;
  Result<NamedValues> target_figures(const torch::Tensor& truth, const torch::Tensor& said) const;

  EmoclipOptions options_;
  EmoclipTraining training_;
  EmoclipModel model_;
  text::LabelSet labels_;
  std::optional<TextBank> bank_;
  std::vector<std::vector<std::int64_t>> class_texts_;  ///< indices into the bank
  std::vector<std::int64_t> captions_;                  ///< by sample; -1: none
  torch::Tensor frozen_texts_;  ///< [bank, embed] when the text tower is frozen
  NamedTorchTensors head_;      ///< regression
  std::vector<engine::RegressionTarget> targets_;
  FrameCache train_rows_, val_rows_;
};

}  // namespace mien::methods
