#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/image/decode.h"
#include "mien/image/image.h"

// Shared by the decoders of the formats. Their messages have no subject: `decode` and `load` add
// it.
namespace mien::image {

using Bytes = std::span<const std::byte>;

/// Errors: kCorrupt for a side of 0, kResourceLimit above the limits.
Status check_picture_size(std::uint64_t width, std::uint64_t height, const Limits& limits);

/// Errors: kCorrupt when `available` bytes cannot hold the `needed` ones.
Status check_enough_bytes(std::uint64_t available, std::uint64_t needed, std::string_view what);

/// Upper bounds for decoding at a reduced size: a picture beyond them is never decoded.
inline constexpr std::uint64_t kMostReducedPixels = std::uint64_t{1} << 30;

Result<Image> decode_bmp(Bytes bytes, const Limits& limits);
Result<Reduced> decode_jpeg(Bytes bytes, const Limits& limits, const Enough& enough);
Result<Image> decode_heif(Bytes bytes, const Limits& limits);
Result<Reduced> decode_jpeg2000(Bytes bytes, const Limits& limits, const Enough& enough);
Result<Image> decode_png(Bytes bytes, const Limits& limits);
Result<Image> decode_ppm(Bytes bytes, const Limits& limits);
Result<Image> decode_tiff(Bytes bytes, const Limits& limits);
Result<Image> decode_webp(Bytes bytes, const Limits& limits);

/// a * b / 255, rounded to nearest.
inline std::uint8_t mul_div_255(unsigned a, unsigned b) {
  const unsigned t = a * b + 128;
  return static_cast<std::uint8_t>((t + (t >> 8)) >> 8);
}

/// RGBA -> RGB over black.
void compose_over_black(const std::uint8_t* rgba, std::uint8_t* rgb, std::size_t pixels);

inline const std::uint8_t* as_u8(Bytes bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

}  // namespace mien::image
