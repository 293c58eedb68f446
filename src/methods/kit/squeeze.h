#pragma once

#include "mien/image/preprocess.h"

namespace mien::methods {

/// Makes a preprocessing resize whole pictures to its square instead of cropping the middle.
inline void squeeze(image::PreprocessSpec& spec) {
  using Kind = image::PreprocessStep::Kind;
  std::erase_if(spec.steps, [](const auto& step) { return step.kind == Kind::kCenterCrop; });
  for (auto& step : spec.steps) {
    if (step.kind == Kind::kResizeShorter) step.kind = Kind::kResizeExact;
  }
}

}  // namespace mien::methods
