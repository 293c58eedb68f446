#pragma once

#include "methods/face_detector/options.h"
#include "mien/core/rng.h"
#include "mien/image/image.h"

namespace mien::methods {

/// Changes a whole picture as cameras and files do: light, no colour, blur, noise, JPEG, each with
/// its share. Returns by how much it was blurred: details of so many pixels are gone, 1 for none.
/// Errors: those of the JPEG encoder and decoder.
Result<float> apply_effects(const SceneOptions& options, Rng& rng, image::Image& picture);

}  // namespace mien::methods
