#pragma once

#include <memory>

#include "methods/kit/open_set_method.h"
#include "methods/kit/recipe.h"

namespace mien::methods {

/// How ARPL trains on embeddings of a frozen image tower: a matrix that starts as identity, one
/// point per class that the class should be far from, and a radius. The defaults are those of the
/// released code; freezing the tower and training a matrix instead follows methods-hesp §12.
/// Source: ARPL (arXiv 2103.00953).
struct ArplTraining : OpenSetOptions {
  static constexpr const char* kGroup = "arpl";

  bool adapter = true;     ///< false: the embeddings are used unchanged
  double init_std = 0.1;   ///< of the points
  double temperature = 1;  ///< the scores are divided by it

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const { return check_init(kGroup); }
};

/// data.* and arpl.* of a recipe.
using ArplRecipe = RecipeOptions<ArplTraining>;

std::unique_ptr<MethodRecipe> arpl_recipe();

}  // namespace mien::methods
