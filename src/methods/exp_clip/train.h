#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "methods/exp_clip/options.h"
#include "methods/exp_clip/teacher_vectors.h"
#include "methods/kit/classifier_method.h"

namespace mien::methods {

/// Training of Exp-CLIP. Both towers are frozen and nothing is augmented, so every picture goes
/// through the image tower once.
class ExpClipMethod : public ClassifierMethod {
 public:
  Status prepare();

  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override { return {{"projection", head_}}; }
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  const TeacherVectors& teacher() const { return teacher_; }
  /// The linear map that trains. Shape: [width of the teacher, embed].
  const torch::Tensor& head() const { return head_; }
  SequenceReader reader() const override;

 protected:
  ExpClipMethod(const ExpClipRecipe& recipe, const MethodContext& context)
      : ClassifierMethod(recipe.data, recipe.training, context), training_(recipe.training) {}

 private:
  /// The labels of these classes, by the prompts or texts of the recipe.
  Result<std::vector<text::Label>> labels_of_classes(const std::vector<std::string>& classes) const;
  /// The mean of a sample's rows, of its one picture in training. Shape: [embed].
  Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                             std::int64_t place, Rng& rng) const override;
  Status forward(const Items& items, StepOutput& out) override;
  Status begin_scores() override;
  torch::Tensor score_items(const Items& items) override;
  int score_batch() const override { return 256; }
  /// Shape: rows [N, embed] of either tower -> unit rows [N, width].
  torch::Tensor project(const torch::Tensor& rows) const;
  torch::Tensor project(const Items& items) const;
  /// Unit rows of all texts of these labels, in order.
  Result<torch::Tensor> label_rows(const std::vector<text::Label>& labels);

  ExpClipTraining training_;
  TeacherVectors teacher_;
  torch::Tensor head_;
  std::vector<text::Label> labels_;      ///< of the bundle
  std::vector<text::Label> val_labels_;  ///< of the pass
  torch::Tensor val_texts_;              ///< their rows
};

}  // namespace mien::methods
