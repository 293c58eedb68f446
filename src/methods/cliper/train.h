#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "methods/cliper/options.h"
#include "methods/kit/clip_items.h"
#include "methods/kit/towers.h"
#include "mien/data/loader.h"

namespace mien::methods {

/// CLIPER as the trainer drives it.
class CliperMethod final : public Method {
 public:
  static Result<std::unique_ptr<Method>> make(const CliperRecipe& recipe,
                                              const MethodContext& context);

  int stages() const override { return static_cast<int>(plan_.size()); }
  int epochs(int stage) const override { return stage_at(stage).epochs; }
  StageSettings settings(int stage) const override;
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  std::int64_t steps_per_epoch(int stage) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  Result<NamedValues> validate(int stage, int epoch) override;
  std::string selects_by() const override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  const Towers& towers() const { return *towers_; }
  /// nullptr with hand-written texts.
  const PromptLearner* prompts() const { return prompts_ ? &*prompts_ : nullptr; }

 private:
  enum class Stage { kPrompts, kTower };
  struct Scored {
    torch::Tensor means;  ///< [samples, classes]: mean over the descriptors
    std::vector<std::int64_t> truth;
  };

  CliperMethod(const CliperRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}

  Status prepare();
  Status prepare_data();
  Status prepare_texts();
  Status prepare_cache();
  const CliperStage& stage_at(int stage) const;
  bool trains_prompts() const;
  bool trains_tower() const { return stage_ == Stage::kTower; }
  /// Whether embeddings of the cache stand for the pixels.
  bool cached() const { return !trains_tower() && !train_rows_.empty(); }
  ClipReader reader() const;
  std::int64_t per_class() const;

  Result<ClipItem> make_item(bool training, std::int64_t place, Rng& rng) const;
  /// Shape: items -> unit embeddings [items, embed], in float32.
  torch::Tensor features(const std::vector<ClipItem>& items);
  torch::Tensor encode_descriptors();
  /// Shape: [classes * K, embed]: with a graph while they train, else those of the epoch.
  torch::Tensor descriptors();
  Result<Scored> score_validation(const torch::Tensor& descriptors);
  Status calibrate(const torch::Tensor& descriptors, engine::BundleInfo& info);
  std::vector<text::Label> bundle_labels(const std::vector<engine::LearnedText>& learned) const;

  CliperRecipe recipe_;
  MethodContext context_;
  TrainingData data_;
  std::vector<Stage> plan_;
  std::optional<Towers> towers_;
  std::optional<PromptLearner> prompts_;
  torch::Tensor written_;      ///< [classes, embed] of hand-written texts, or undefined
  torch::Tensor descriptors_;  ///< of the present epoch, while they are frozen
  FrameCache train_rows_, val_rows_;
  std::unique_ptr<data::Loader<ClipItem>> loader_;
  Stage stage_ = Stage::kPrompts;
  std::int64_t image_count_ = 0;  ///< pictures through the image tower in this epoch
  std::int64_t text_count_ = 0;   ///< runs of the text tower in this epoch
  bool tower_changed_ = false;    ///< the image tower is not the bundle's any more
};

}  // namespace mien::methods
