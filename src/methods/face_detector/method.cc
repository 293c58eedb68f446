#include "methods/face_detector/train.h"

namespace mien::methods {

std::unique_ptr<MethodRecipe> face_detector_recipe() {
  return std::make_unique<RecipeOf<FaceDetectorMethod, FaceDetectorRecipe>>();
}

}  // namespace mien::methods
