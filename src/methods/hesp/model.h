#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "data/random_view.h"
#include "engine/expression_place.h"
#include "methods/hesp/options.h"
#include "methods/kit/open_set_method.h"
#include "methods/kit/towers.h"

namespace mien::methods {

using engine::PromptPlace;

struct HespLosses {
  torch::Tensor known, clustering, negative, negative_text, joint;  ///< undefined: not requested
  torch::Tensor total() const;
};

/// The prompts of HESP, around frozen towers that it does not own. Source: arXiv 2404.17100 and its
/// code; methods-hesp §3 to §5.
class HespModel {
 public:
  /// `scale`: how the towers' pixels are normalised. Errors: those of the texts; kInvalidArgument
  /// for a patch larger than the pictures.
  static Result<HespModel> make(Towers& towers, const HespTraining& training,
                                const std::vector<std::string>& names,
                                const data::PlaneScale& scale, double logit_scale);

  std::int64_t classes() const { return static_cast<std::int64_t>(ids_.size()); }
  std::int64_t side() const { return side_; }
  std::int64_t patch_size() const { return patch_size_; }

  /// The centre of the patch for a picture. Shape: pixels [3, S, S], 0 to 1.
  PromptPlace place_for(const torch::Tensor& pixels);
  /// Fixes the position for all clips from now on.
  void set_place(PromptPlace place);
  PromptPlace place() const;

  /// Adds the patch and normalises. Shape: frames [N, T, 3, S, S], 0 to 1 -> [N * T, 3, S, S].
  /// `places`: one per clip, or empty (place()).
  torch::Tensor prompted(const torch::Tensor& frames, const std::vector<PromptPlace>& places) const;
  /// Mean of the frames' embeddings as they are, or scaled (HespTraining::lengths). Shape: -> [N,
  /// D].
  torch::Tensor features(const torch::Tensor& frames, const std::vector<PromptPlace>& places);
  /// Unit rows. Shape: -> [K, D].
  torch::Tensor texts() const;
  /// Embeddings of the negative pictures, as features(). Shape: -> [K, D]; undefined without.
  torch::Tensor points();

  OpenSetLogits scores(const torch::Tensor& features, const torch::Tensor& texts,
                       const torch::Tensor& points) const;
  /// Shape: labels [N] int64.
  HespLosses losses(const torch::Tensor& features, const torch::Tensor& texts,
                    const torch::Tensor& points, const torch::Tensor& labels) const;

  /// The normalised steps of negatives and patch, and what becomes of the gradients; between the
  /// backward pass and the optimiser's step.
  void update();

  /// What the optimiser steps. The patch has the rate 0: it is there so that processes share its
  /// gradient.
  std::vector<ParameterGroup> parameters();
  /// Everything that a run needs to continue.
  NamedTorchTensors state() const;

  const torch::Tensor& contexts() const { return contexts_; }
  /// [3, P, P] in values of 0 to 1.
  const torch::Tensor& patch() const { return patch_; }
  /// [K, D] of the bare names, unit rows.
  const torch::Tensor& bare_texts() const { return bare_; }
  /// [K, channels] of the mask, random; undefined without a patch.
  const torch::Tensor& classifier() const { return classifier_; }
  double logit_scale() const { return logit_scale_; }
  /// What embeddings are scaled to; 0: nothing.
  double length() const { return length_; }

 private:
  explicit HespModel(Towers& towers, const HespTraining& training)
      : towers_(&towers), training_(&training) {}
  Status prepare_texts(const std::vector<std::string>& names);
  torch::Tensor scaled(const torch::Tensor& rows) const;
  bool trains_image() const { return patch_.defined() && patch_.requires_grad(); }

  Towers* towers_;
  const HespTraining* training_;
  std::int64_t side_ = 0, patch_size_ = 0;
  double logit_scale_ = 100, length_ = 0;
  torch::Tensor mean_, std_;  // [3, 1, 1]
  std::vector<std::vector<std::int64_t>>
      ids_;                       // per class, a placeholder at every learned position
  std::int64_t first_ = 0;        // position of the first learned token
  torch::Tensor bare_;            // [K, D] of the bare names, unit rows
  torch::Tensor negative_texts_;  // [K, D], unit rows
  torch::Tensor classifier_;      // [K, channels] of the mask, random
  torch::Tensor contexts_, patch_, negatives_, radius_, place_;
};

}  // namespace mien::methods
