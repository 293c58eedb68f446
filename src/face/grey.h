#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mien/image/image.h"

namespace mien::face {

/// Owned 8-bit luma, rows packed.
struct Grey {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;

  const std::uint8_t* row(int y) const {
    return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
  }
  std::uint8_t* row(int y) {
    return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
  }
};

/// ITU-R 601 luma, rounded, in 16-bit fixed point; a grey picture keeps its values.
inline std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 32768U) >>
                                   16U);
}

Grey to_grey(image::ImageView picture);

/// Triangle filter, widened when shrinking. Preconditions: source not empty, sizes > 0.
Grey resize_grey(const Grey& source, int width, int height);

/// Repeats the outermost pixels `margin` times on every side and converts grey to RGB.
image::Image pad_to_rgb(const Grey& source, int margin);

}  // namespace mien::face
