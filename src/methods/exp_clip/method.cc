#include "methods/exp_clip/train.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> exp_clip_recipe() {
  return std::make_unique<RecipeOf<ExpClipMethod, ExpClipRecipe>>();
}

}  // namespace mien::methods
