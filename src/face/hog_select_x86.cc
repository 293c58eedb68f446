#include "face/hog_select.h"
#include "mien/kernels/cpu.h"

namespace mien::face {

std::optional<HogChoice> select_hog_kernel(HogIsa isa) {
  using kernels::Isa;
  const Isa machine = kernels::detect_isa();
  if (isa == HogIsa::kAvx2 && machine < Isa::kAvx2) return std::nullopt;
  if (isa == HogIsa::kAvx512 && machine < Isa::kAvx512) return std::nullopt;
  const Isa active = kernels::active_isa();
  if (isa == HogIsa::kAvx512 || (isa == HogIsa::kAuto && active >= Isa::kAvx512)) {
    return HogChoice{mien_face_hog_avx512(), "avx512"};
  }
  if (isa == HogIsa::kAvx2 || (isa == HogIsa::kAuto && active >= Isa::kAvx2)) {
    return HogChoice{mien_face_hog_avx2(), "avx2"};
  }
  return HogChoice{mien_face_hog_generic(), "generic"};
}

}  // namespace mien::face
