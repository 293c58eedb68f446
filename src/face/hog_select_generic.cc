#include "face/hog_select.h"

namespace mien::face {

std::optional<HogChoice> select_hog_kernel(HogIsa isa) {
  if (isa == HogIsa::kAvx2 || isa == HogIsa::kAvx512) return std::nullopt;
  return HogChoice{mien_face_hog_generic(), "generic"};
}

}  // namespace mien::face
