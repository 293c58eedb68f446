#pragma once

#include <optional>
#include <string_view>

#include "face/hog_kernel.h"
#include "mien/face/detector.h"

namespace mien::face {

struct HogChoice {
  const HogKernel* kernel = nullptr;
  std::string_view isa;
};

/// The kernel for this machine, or nullopt when it cannot run `isa`.
std::optional<HogChoice> select_hog_kernel(HogIsa isa);

}  // namespace mien::face
