#pragma once

#include <span>

#include "mien/core/status.h"
#include "mien/image/image.h"
#include "mien/image/preprocess.h"

namespace mien::image {

/// Pillow's Image.resize on 8-bit RGB (support-scaled, fixed-point): within 1 level of Pillow on
/// every pixel. Filters: kNearest, kBilinear, kBicubic. Precondition: sizes > 0.
Image resize_u8(ImageView source, int width, int height, Filter filter);

/// Planar float planes [channels, height, width]; `antialias` as in PreprocessStep.
struct FloatPlanes {
  int channels = 0;
  int height = 0;
  int width = 0;
  std::vector<float> values;
};
FloatPlanes resize_f32(const FloatPlanes& source, int width, int height, Filter filter,
                       bool antialias);

}  // namespace mien::image
