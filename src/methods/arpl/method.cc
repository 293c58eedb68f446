#include "methods/arpl/train.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> arpl_recipe() {
  return std::make_unique<RecipeOf<ArplMethod, ArplRecipe>>();
}

}  // namespace mien::methods
