#include "methods/e2n/train.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> e2n_recipe() {
  return std::make_unique<RecipeOf<E2nMethod, E2nRecipe>>();
}

}  // namespace mien::methods
