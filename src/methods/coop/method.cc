#include "methods/coop/train.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> coop_recipe() {
  return std::make_unique<RecipeOf<CoopMethod, CoopRecipe>>();
}

}  // namespace mien::methods
