#pragma once

#include <span>

#include "methods/e2n/options.h"
#include "mien/core/rng.h"

namespace mien::methods {

/// Changes a preprocessed picture in place: crop out of a black border, mirror, blank a rectangle.
/// Shape: planes [black.size(), side, side]; `black` is what each plane has for a black pixel.
/// Source: methods-e2n-fer §2.1. Padding before and behind the normalisation is the same when the
/// border has its value; erasing sets the normalised 0.
void augment_face(const E2nAugmentOptions& options, int side, std::span<const float> black,
                  std::span<float> planes, Rng& rng);

}  // namespace mien::methods
