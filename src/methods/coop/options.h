#pragma once

#include <memory>

#include "methods/kit/common_training.h"
#include "methods/kit/context_learner.h"
#include "methods/kit/recipe.h"

namespace mien::methods {

/// How CoOp trains: learned tokens before the names of the classes, both towers frozen. The
/// defaults are those of the paper. Clips are ours: a weighted mean of the frames, whose weights
/// train as well. Source: CoOp (arXiv 2109.01134).
struct CoopTraining : CommonTraining {
  static constexpr const char* kGroup = "coop";

  ContextOptions contexts = {.tokens = 16, .shared = true};  ///< false: a context for each class
  int hidden = 32;                                           ///< units that weigh a frame
  double pool_lr = 10;  ///< rate of the weights, times that of the contexts

  CoopTraining() {
    epochs = 50;
    batch = 32;
    frames = 8;
  }

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const { return check_init(kGroup); }
};

/// data.* and coop.* of a recipe.
using CoopRecipe = RecipeOptions<CoopTraining>;

std::unique_ptr<MethodRecipe> coop_recipe();

}  // namespace mien::methods
