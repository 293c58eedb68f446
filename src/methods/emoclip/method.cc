#include "methods/emoclip/train.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> emoclip_recipe() {
  return std::make_unique<RecipeOf<EmoclipMethod, EmoclipRecipe>>();
}

}  // namespace mien::methods
