#include "face/hog_select.h"

namespace mien::face {

std::optional<HogChoice> select_hog_kernel(HogIsa isa) {
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == HogIsa::kAvx2 && !has_avx2) return std::nullopt;
  if (isa == HogIsa::kGeneric || !has_avx2) return HogChoice{mien_face_hog_generic(), "generic"};
  return HogChoice{mien_face_hog_avx2(), "avx2"};
}

}  // namespace mien::face
