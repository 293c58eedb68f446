#pragma once

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <vector>

#include "methods/cliper/model.h"
#include "methods/cliper/options.h"
#include "methods/kit/classifier_method.h"

namespace mien::methods {

/// Training of CLIPER.
class CliperMethod : public ClassifierMethod {
 public:
  Status prepare();

  int stages() const override { return static_cast<int>(plan_.size()); }
  int epochs(int stage) const override { return stage_at(stage).epochs; }
  StageSettings settings(int stage) const override;
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  /// nullptr with hand-written texts.
  const PromptLearner* prompts() const { return prompts_ ? &*prompts_ : nullptr; }
  SequenceReader reader() const override;

 protected:
  CliperMethod(const CliperRecipe& recipe, const MethodContext& context)
      : ClassifierMethod(recipe.data, recipe.training, context), training_(recipe.training) {}

 private:
  enum class Stage { kPrompts, kTower };

  Status prepare_texts();
  const CliperStage& stage_at(int stage) const;
  bool trains_prompts() const;
  bool trains_tower() const { return stage_ == Stage::kTower; }
  /// Never while the tower trains.
  bool cached() const override { return !trains_tower() && ClassifierMethod::cached(); }
  data::View epoch_view(Rng& rng) const override;
  std::int64_t per_class() const;

  /// Shape: items -> unit embeddings [items, embed], in float32.
  torch::Tensor features(const Items& items);
  Status forward(const Items& items, StepOutput& out) override;
  /// Of the descriptors of the epoch. Shape: -> [items, classes], means over the descriptors.
  torch::Tensor score_items(const Items& items) override;
  Status begin_scores() override;
  torch::Tensor encode_descriptors();
  /// Shape: [classes * K, embed]: with a graph while they train, else those of the epoch.
  torch::Tensor descriptors();
  std::vector<text::Label> bundle_labels(const std::vector<engine::LearnedText>& learned) const;

  CliperTraining training_;
  std::vector<Stage> plan_;
  std::optional<PromptLearner> prompts_;
  torch::Tensor written_;      ///< [classes, embed] of hand-written texts, or undefined
  torch::Tensor descriptors_;  ///< of the current epoch, while they are frozen
  torch::Tensor scored_;       ///< descriptors of the current pass of score_items
  Stage stage_ = Stage::kPrompts;
  std::int64_t image_count_ = 0;  ///< pictures through the image tower in this epoch
  std::int64_t text_count_ = 0;   ///< runs of the text tower in this epoch
  bool tower_changed_ = false;    ///< the image tower differs from the bundle's
};

}  // namespace mien::methods
