#include <fmt/format.h>
#include <webp/decode.h>

#include <cstring>
#include <vector>

#include "core/checked.h"
#include "image/codec.h"
#include "image/exif.h"

namespace mien::image {
namespace {

Status webp_problem(VP8StatusCode code, bool truncated_is_known) {
  switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return resource_limit("WebP: out of memory");
    case VP8_STATUS_UNSUPPORTED_FEATURE: return unsupported("WebP: unsupported feature");
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: return corrupt("WebP is truncated (data ends early)");
    default: return corrupt(truncated_is_known ? "WebP is damaged" : "WebP has a damaged header");
  }
}

std::uint32_t little_endian_32(Bytes bytes) {
  std::uint32_t out = 0;
  for (std::size_t i = 4; i-- > 0;) out = (out << 8) | std::to_integer<std::uint32_t>(bytes[i]);
  return out;
}

// Searches the chunks of the RIFF container for the EXIF chunk.
int webp_orientation(Bytes bytes) {
  std::uint64_t offset = 12;
  for (;;) {
    const auto header = checked_subspan(bytes, offset, 8);
    if (!header) return 1;
    const std::uint64_t size = little_endian_32(header->subspan(4));
    if (std::memcmp(header->data(), "EXIF", 4) == 0) {
      const auto exif = checked_subspan(bytes, offset + 8, size);
      return exif ? exif_orientation(*exif) : 1;
    }
    offset += 8 + size + (size & 1U);
  }
}

}  // namespace

Result<Image> decode_webp(Bytes bytes, const Limits& limits) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) return internal_error("WebP: library does not match");
  const VP8StatusCode header = WebPGetFeatures(as_u8(bytes), bytes.size(), &config.input);
  if (header != VP8_STATUS_OK) return webp_problem(header, false);
  const int width = config.input.width;
  const int height = config.input.height;
  MIEN_RETURN_IF_ERROR(check_picture_size(static_cast<std::uint64_t>(width),
                                          static_cast<std::uint64_t>(height), limits));
  if (config.input.has_animation != 0) {
    return unsupported(
        "WebP is an animation (expected a still picture; convert it to a clip or to an animated "
        "PNG)");
  }
  Image image(width, height);
  const bool alpha = config.input.has_alpha != 0;
  const std::size_t pixels = image.pixels().size() / 3;
  std::vector<std::uint8_t> rgba(alpha ? pixels * 4 : 0);
  config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = alpha ? rgba.data() : image.row(0);
  config.output.u.RGBA.stride = (alpha ? 4 : 3) * width;
  config.output.u.RGBA.size = alpha ? rgba.size() : image.pixels().size();
  const VP8StatusCode code = WebPDecode(as_u8(bytes), bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (code != VP8_STATUS_OK) return webp_problem(code, true);
  if (alpha) compose_over_black(rgba.data(), image.row(0), pixels);
  return orient(std::move(image), webp_orientation(bytes));
}

}  // namespace mien::image
