#include <cstdint>
#include <cstdlib>

#include "mien/image/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mien::Limits limits;
  limits.max_pixels = 1'000'000;
  limits.max_dimension = 4096;
  const auto image = mien::image::decode({reinterpret_cast<const std::byte*>(data), size}, limits);
  if (!image.ok()) {
    if (image.status().message().rfind("bytes: ", 0) != 0) std::abort();
    return 0;
  }
  const auto pixels =
      static_cast<std::uint64_t>(image->width()) * static_cast<std::uint64_t>(image->height());
  if (pixels == 0 || pixels > limits.max_pixels) std::abort();
  if (image->pixels().size() != pixels * 3) std::abort();
  // Encoded pictures must read back as the same pixels; only small ones, for speed.
  if (pixels > 4096) return 0;
  const auto png = mien::image::encode_png(*image);
  if (!png.ok()) std::abort();
  const auto again = mien::image::decode(*png, limits);
  if (!again.ok() || again->pixels() != image->pixels()) std::abort();
  return 0;
}
