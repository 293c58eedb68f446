#include "image/codec.h"

#include <fmt/format.h>

namespace mien::image {

Status check_picture_size(std::uint64_t width, std::uint64_t height, const Limits& limits) {
  if (width == 0 || height == 0) {
    return corrupt(
        fmt::format("{}x{} picture has no pixels (expected sides of at least 1)", width, height));
  }
  if (width > limits.max_dimension || height > limits.max_dimension) {
    return resource_limit(fmt::format("{}x{} picture is too large (expected at most {} on a side)",
                                      width, height, limits.max_dimension));
  }
  // Both sides fit 32 bits here.
  if (width * height > limits.max_pixels) {
    return resource_limit(fmt::format("{}x{} picture is too large (expected at most {} pixels)",
                                      width, height, limits.max_pixels));
  }
  return {};
}

Status check_enough_bytes(std::uint64_t available, std::uint64_t needed, std::string_view what) {
  if (available >= needed) return {};
  return corrupt(
      fmt::format("{} is truncated (expected at least {} bytes, got {})", what, needed, available));
}

void compose_over_black(const std::uint8_t* rgba, std::uint8_t* rgb, std::size_t pixels) {
  for (std::size_t i = 0; i < pixels; ++i, rgba += 4, rgb += 3) {
    const unsigned alpha = rgba[3];
    for (int c = 0; c < 3; ++c) rgb[c] = mul_div_255(rgba[c], alpha);
  }
}

}  // namespace mien::image
