#pragma once

#include <vector>

#include "mien/image/image.h"
#include "mien/image/preprocess.h"

namespace mien::image {

/// Pillow's Image.resize on 8-bit RGB (support-scaled, fixed-point): the same pixels as Pillow.
/// Preconditions: sizes > 0, the source is not empty.
Image resize_u8(ImageView source, int width, int height, Filter filter);

/// Planar float planes [channels, height, width]; `antialias` as in PreprocessStep.
struct FloatPlanes {
  int channels = 0;
  int height = 0;
  int width = 0;
  std::vector<float> values;
};

/// torch's interpolate(align_corners=False): within 1e-5 of it for values around 1. kNearest takes
/// the pixel at floor(position * in / out) and has no antialiasing.
/// Preconditions: sizes > 0, the planes are not empty and match `values`.
FloatPlanes resize_f32(const FloatPlanes& source, int width, int height, Filter filter,
                       bool antialias);

}  // namespace mien::image
