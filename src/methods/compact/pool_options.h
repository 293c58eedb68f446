#pragma once

#include <memory>
#include <string>

#include "data/augment.h"
#include "methods/compact/sequences.h"
#include "methods/kit/recipe.h"

namespace mien::methods {

/// Attention pooling over the frames of a clip, on top of an unchanged bundle. No clips
/// are needed: sequences are put together from the embeddings of labelled pictures. Source: ours.
struct TemporalPoolTraining {
  static constexpr const char* kGroup = "temporal";

  std::string init = {};  ///< the bundle; its labels must have the classes of the data
  int hidden = 64;
  int frames = 32;  ///< that the bundle samples from a clip; sequences have 3 to this many frames
  int views = 3;    ///< copies of each picture, all but the first augmented
  int epochs = 6;
  int steps = 400;  ///< per epoch
  int batch = 256;
  int validation = 4096;   ///< sequences from the validation part, always the same
  double stay_weight = 1;  ///< of the cosine to the mean of the frames that show the expression
  data::AugmentOptions augment = {};
  SequenceOptions sequences = {};
  std::string name = {};  ///< of the bundle; empty: as before

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// data.* and temporal.* of a recipe.
using TemporalPoolRecipe = RecipeOptions<TemporalPoolTraining>;

std::unique_ptr<MethodRecipe> temporal_pool_recipe();

}  // namespace mien::methods
