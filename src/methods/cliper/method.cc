#include "methods/cliper/train.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> cliper_recipe() {
  return std::make_unique<RecipeOf<CliperMethod, CliperRecipe>>();
}

}  // namespace mien::methods
