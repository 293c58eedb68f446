#include "methods/hesp/train.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> hesp_recipe() {
  return std::make_unique<RecipeOf<HespMethod, HespRecipe>>();
}

}  // namespace mien::methods
