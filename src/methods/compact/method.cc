#include "methods/compact/image_train.h"
#include "methods/compact/pool_train.h"
#include "methods/compact/train.h"
#include "methods/kit/recipe.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> compact_image_recipe() {
  return std::make_unique<RecipeOf<CompactImageMethod, CompactImageRecipe>>();
}

std::unique_ptr<MethodRecipe> compact_recipe() {
  return std::make_unique<RecipeOf<CompactMethod, CompactRecipe>>();
}

std::unique_ptr<MethodRecipe> temporal_pool_recipe() {
  return std::make_unique<RecipeOf<TemporalPoolMethod, TemporalPoolRecipe>>();
}

}  // namespace mien::methods
