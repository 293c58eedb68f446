#include "methods/dfer_clip/train.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> dfer_clip_recipe() {
  return std::make_unique<RecipeOf<DferClipMethod, DferClipRecipe>>();
}

}  // namespace mien::methods
