#include "image/bmp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "core/checked.h"

namespace mien::image {
namespace {

constexpr std::uint64_t kFileHeaderSize = 14;
constexpr std::uint32_t kCoreHeaderSize = 12;  // OS/2 1.x: 16-bit sides, 3-byte palette entries
constexpr std::array<std::uint32_t, 7> kHeaderSizes{kCoreHeaderSize, 40, 52, 56, 64, 108, 124};

enum Compression : std::uint32_t { kRgb = 0, kBitfields = 3, kAlphaBitfields = 6 };

std::uint32_t little_endian(Bytes bytes, std::size_t offset, std::size_t size) {
  std::uint32_t out = 0;
  for (std::size_t i = size; i-- > 0;) {
    out = (out << 8) | std::to_integer<std::uint32_t>(bytes[offset + i]);
  }
  return out;
}

// One colour within a pixel of 16 or 32 bits.
struct Channel {
  std::uint32_t mask = 0;
  int shift = 0;
  std::uint32_t max = 0;

  static Channel of(std::uint32_t mask) {
    const int shift = mask == 0 ? 0 : std::countr_zero(mask);
    return {mask, shift, mask >> shift};
  }
  bool contiguous() const { return (max & (max + 1)) == 0; }
  unsigned value(std::uint32_t pixel) const {
    const std::uint64_t v = (pixel & mask) >> shift;
    return static_cast<unsigned>((v * 255 + max / 2) / max);
  }
};

struct Header {
  std::uint64_t width = 0;
  std::uint64_t height = 0;
  bool top_down = false;
  std::uint32_t bits = 0;
  std::uint32_t compression = kRgb;
  std::uint32_t header_size = 0;
  std::uint64_t data_offset = 0;
  std::uint64_t palette_offset = 0;
  std::uint32_t palette_size = 0;
  std::array<Channel, 4> channels{};  // red, green, blue, alpha; for 16 and 32 bits

  std::uint64_t row_bytes() const { return (width * bits + 7) / 8; }
  std::uint64_t stride() const { return (width * bits + 31) / 32 * 4; }
};

Status read_masks(Bytes bytes, Header& header) {
  std::array<std::uint32_t, 4> masks{};
  if (header.compression == kRgb) {
    masks = header.bits == 16 ? std::array<std::uint32_t, 4>{0x7C00, 0x3E0, 0x1F, 0}
                              : std::array<std::uint32_t, 4>{0xFF0000, 0xFF00, 0xFF, 0};
  } else {
    // After a 40-byte header, or part of a larger one: the same offset in both cases.
    const bool alpha = header.header_size >= 56 || header.compression == kAlphaBitfields;
    const auto part = checked_subspan(bytes, kFileHeaderSize + 40, alpha ? 16 : 12);
    if (!part) return corrupt("BMP is truncated (colour masks are missing)");
    for (std::size_t i = 0; i < part->size() / 4; ++i) masks[i] = little_endian(*part, i * 4, 4);
    if (header.header_size == 40) header.palette_offset += part->size();
  }
  for (std::size_t i = 0; i < 4; ++i) {
    header.channels[i] = Channel::of(masks[i]);
    const bool missing = masks[i] == 0 && i < 3;
    if (missing || !header.channels[i].contiguous()) {
      return unsupported(fmt::format("BMP: colour mask {:#x} (expected adjacent bits)", masks[i]));
    }
  }
  return {};
}

Status check_kind(const Header& header) {
  const bool bitfields = header.compression == kBitfields || header.compression == kAlphaBitfields;
  const bool true_colour = header.bits == 16 || header.bits == 32;
  if (header.compression != kRgb && !(bitfields && true_colour)) {
    return unsupported(fmt::format("BMP: compression {} with {} bits (expected none)",
                                   header.compression, header.bits));
  }
  static constexpr std::array<std::uint32_t, 6> kBits{1, 4, 8, 16, 24, 32};
  if (std::find(kBits.begin(), kBits.end(), header.bits) == kBits.end()) {
    return unsupported(
        fmt::format("BMP: {} bits per pixel (expected 1, 4, 8, 16, 24 or 32)", header.bits));
  }
  return {};
}

Result<Header> read_header(Bytes bytes, const Limits& limits) {
  Header header;
  header.header_size = little_endian(bytes, 14, 4);
  MIEN_RETURN_IF_ERROR(
      check_enough_bytes(bytes.size(), kFileHeaderSize + header.header_size, "BMP"));
  header.data_offset = little_endian(bytes, 10, 4);
  header.palette_offset = kFileHeaderSize + header.header_size;
  std::uint32_t colours = 0;
  if (header.header_size == kCoreHeaderSize) {
    header.width = little_endian(bytes, 18, 2);
    header.height = little_endian(bytes, 20, 2);
    header.bits = little_endian(bytes, 24, 2);
  } else {
    const auto width = static_cast<std::int32_t>(little_endian(bytes, 18, 4));
    const std::int64_t height = static_cast<std::int32_t>(little_endian(bytes, 22, 4));
    if (width < 0) return corrupt(fmt::format("BMP has width {} (expected 1 or more)", width));
    header.width = static_cast<std::uint64_t>(width);
    header.height = static_cast<std::uint64_t>(height < 0 ? -height : height);
    header.top_down = height < 0;
    header.bits = little_endian(bytes, 28, 2);
    header.compression = little_endian(bytes, 30, 4);
    colours = little_endian(bytes, 46, 4);
  }
  MIEN_RETURN_IF_ERROR(check_picture_size(header.width, header.height, limits));
  MIEN_RETURN_IF_ERROR(check_kind(header));
  if (header.bits == 16 || header.bits == 32) MIEN_RETURN_IF_ERROR(read_masks(bytes, header));
  if (header.bits <= 8) {
    const std::uint32_t most = 1U << header.bits;
    header.palette_size = colours == 0 ? most : std::min(colours, most);
  }
  return header;
}

using Palette = std::array<std::array<std::uint8_t, 3>, 256>;

// Indices beyond a short palette are black.
Result<Palette> read_palette(Bytes bytes, const Header& header) {
  Palette palette{};
  const std::uint64_t entry = header.header_size == kCoreHeaderSize ? 3 : 4;
  const auto part = checked_subspan(bytes, header.palette_offset, entry * header.palette_size);
  if (!part) return corrupt("BMP is truncated (palette is missing)");
  for (std::size_t i = 0; i < header.palette_size; ++i) {
    const std::uint8_t* bgr = as_u8(*part) + i * entry;
    palette[i] = {bgr[2], bgr[1], bgr[0]};
  }
  return palette;
}

void read_indexed_row(const std::uint8_t* in, const Header& header, const Palette& palette,
                      std::uint8_t* out) {
  const unsigned per_byte = 8 / header.bits;
  const unsigned mask = (1U << header.bits) - 1;
  for (std::uint64_t x = 0; x < header.width; ++x, out += 3) {
    const auto position = static_cast<unsigned>(x % per_byte);
    const unsigned index = (in[x / per_byte] >> (8 - header.bits * (position + 1))) & mask;
    std::copy_n(palette[index].data(), 3, out);
  }
}

void read_masked_row(const std::uint8_t* in, const Header& header, std::uint8_t* out) {
  const std::uint64_t size = header.bits / 8;
  const Channel& alpha = header.channels[3];
  for (std::uint64_t x = 0; x < header.width; ++x, in += size, out += 3) {
    std::uint32_t pixel = in[0] | (std::uint32_t{in[1]} << 8);
    if (size == 4) pixel |= (std::uint32_t{in[2]} << 16) | (std::uint32_t{in[3]} << 24);
    const unsigned opacity = alpha.mask == 0 ? 255 : alpha.value(pixel);
    for (std::size_t c = 0; c < 3; ++c) {
      out[c] = mul_div_255(header.channels[c].value(pixel), opacity);
    }
  }
}

void read_bgr_row(const std::uint8_t* in, std::uint64_t width, std::uint8_t* out) {
  for (std::uint64_t x = 0; x < width; ++x, in += 3, out += 3) {
    out[0] = in[2];
    out[1] = in[1];
    out[2] = in[0];
  }
}

}  // namespace

bool looks_like_bmp(Bytes bytes) {
  if (bytes.size() < kFileHeaderSize + 4) return false;
  if (as_u8(bytes)[0] != 'B' || as_u8(bytes)[1] != 'M') return false;
  const std::uint32_t size = little_endian(bytes, kFileHeaderSize, 4);
  return std::find(kHeaderSizes.begin(), kHeaderSizes.end(), size) != kHeaderSizes.end();
}

Result<Image> decode_bmp(Bytes bytes, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const Header header, read_header(bytes, limits));
  Palette palette{};
  if (header.bits <= 8) {
    MIEN_ASSIGN_OR_RETURN(palette, read_palette(bytes, header));
  }
  // The padding of the last row may be missing.
  const std::uint64_t needed = header.stride() * (header.height - 1) + header.row_bytes();
  const auto data = checked_subspan(bytes, header.data_offset, needed);
  if (!data) {
    return corrupt(fmt::format("{}x{} BMP is truncated (expected {} bytes, got {})", header.width,
                               header.height, header.data_offset + needed, bytes.size()));
  }
  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  for (std::uint64_t y = 0; y < header.height; ++y) {
    const std::uint8_t* in = as_u8(*data) + y * header.stride();
    std::uint8_t* out = image.row(static_cast<int>(header.top_down ? y : header.height - 1 - y));
    if (header.bits <= 8) {
      read_indexed_row(in, header, palette, out);
    } else if (header.bits == 24) {
      read_bgr_row(in, header.width, out);
    } else {
      read_masked_row(in, header, out);
    }
  }
  return image;
}

}  // namespace mien::image
