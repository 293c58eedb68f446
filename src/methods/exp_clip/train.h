#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "methods/exp_clip/options.h"
#include "methods/exp_clip/teacher_vectors.h"
#include "methods/kit/clip_items.h"
#include "methods/kit/towers.h"
#include "mien/data/loader.h"

namespace mien::methods {

/// Exp-CLIP as the trainer drives it. Both towers are frozen and nothing is changed at random, so
/// that every picture goes through the image tower once.
class ExpClipMethod final : public Method {
 public:
  static Result<std::unique_ptr<Method>> make(const ExpClipRecipe& recipe,
                                              const MethodContext& context);

  int epochs(int) const override { return recipe_.training.epochs; }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override { return {{"projection", head_}}; }
  std::int64_t steps_per_epoch(int stage) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  Result<NamedValues> validate(int stage, int epoch) override;
  std::string selects_by() const override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  const Towers& towers() const { return *towers_; }
  const TeacherVectors& teacher() const { return teacher_; }
  const TrainingData& data() const { return data_; }
  /// The linear map that trains. Shape: [width of the teacher, embed].
  const torch::Tensor& head() const { return head_; }
  ClipReader reader() const;

 private:
  ExpClipMethod(const ExpClipRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}

  Status prepare();
  Status prepare_cache();
  /// The labels of these classes, by the prompts or texts of the recipe.
  Result<std::vector<text::Label>> labels_of_classes(const std::vector<std::string>& classes) const;
  /// The mean of a sample's rows, of its one picture in training. Shape: [embed].
  Result<ClipItem> make_item(bool training, std::int64_t place, Rng& rng) const;
  /// Shape: rows [N, embed] of either tower -> unit rows [N, width].
  torch::Tensor project(const torch::Tensor& rows) const;
  torch::Tensor project(const std::vector<ClipItem>& items) const;
  /// Unit rows of all texts of these labels, in order.
  Result<torch::Tensor> label_rows(const std::vector<text::Label>& labels);

  ExpClipRecipe recipe_;
  MethodContext context_;
  TrainingData data_;
  std::optional<Towers> towers_;
  TeacherVectors teacher_;
  torch::Tensor head_;
  std::vector<text::Label> labels_;  ///< of the bundle
  FrameCache train_rows_, val_rows_;
  std::unique_ptr<data::Loader<ClipItem>> loader_;
};

}  // namespace mien::methods
