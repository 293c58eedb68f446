#pragma once

#include <torch/types.h>

#include <array>
#include <filesystem>
#include <memory>
#include <vector>

#include "methods/compact/face_shapes.h"
#include "methods/compact/image_options.h"
#include "methods/compact/picture_teachers.h"
#include "methods/compact/votes.h"
#include "methods/kit/picture_store.h"
#include "methods/kit/sample_method.h"
#include "mien/engine/bundle.h"
#include "nn/residual.h"

namespace mien::methods {

/// Training of the image tower of the compact bundle.
class CompactImageMethod : public SampleMethod {
 public:
  Status prepare();

  int epochs(int) const override { return training_.epochs; }
  std::vector<ParameterGroup> begin_stage(int) override;
  NamedTorchTensors state() override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<NamedValues> validate(int, int) override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

 protected:
  CompactImageMethod(const CompactImageRecipe& recipe, const MethodContext& context)
      : SampleMethod(recipe.data, context), sizes_(recipe.tower), training_(recipe.training) {}

 private:
  struct Batch {
    torch::Tensor pixels, labels, votes;
    torch::Tensor shapes, has_shape;  ///< undefined unless they train
  };

  Status prepare_model();
  Status start_from_bundle();
  Status ask_teachers();
  Status make_targets();
  data::View epoch_view(Rng& rng) const override {
    return data::tempered(*data_.train, data_.train_view, training_.balance, rng);
  }
  /// An augmented crop [C, C] of a training picture.
  Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                             std::int64_t place, Rng& rng) const override;
  Batch batch_of(const Items& items) const;
  void mix(Batch& batch) const;
  Status forward(const Items& items, StepOutput& out) override;
  /// The class that most annotators of a validation sample saw, and the class that the prototypes
  /// of the votes tell; both are the number of classes when there is none.
  std::pair<std::size_t, std::size_t> majority_of(std::size_t place,
                                                  const torch::Tensor& votes) const;
  torch::Tensor logits(const torch::Tensor& embeddings, const torch::Tensor& prototypes) const;

  ResidualTowerOptions sizes_;
  CompactImageTraining training_;
  nn::ResidualTower tower_{nullptr};
  std::shared_ptr<const engine::Bundle> start_;  ///< when its weights are blended in
  torch::Tensor label_prototypes_, vote_prototypes_, scale_;
  std::vector<VoteShares> train_votes_, val_votes_;
  torch::Tensor label_targets_;  ///< by index of the training sample; only rows that train
  TeacherAnswers taught_;        ///< of the training samples, when there are teachers
  FaceShapes shapes_;            ///< of the training samples
  torch::Tensor shape_head_, shape_bias_;  ///< not in the bundle
  KnownColumns known_;
  std::vector<std::int64_t> vote_class_;  ///< index of a class among the votes, or -1
  std::shared_ptr<const PictureStore> train_pictures_, val_pictures_;
};

}  // namespace mien::methods
