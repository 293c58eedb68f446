#include "image/exif.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "core/checked.h"

namespace mien::image {
namespace {

// Reads numbers of a TIFF structure; every read is checked against its end.
class TiffReader {
 public:
  TiffReader(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<std::uint32_t> number(std::uint64_t offset, std::uint64_t size) const {
    const auto part = checked_subspan(bytes_, offset, size);
    if (!part) return std::nullopt;
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t at = big_endian_ ? i : part->size() - 1 - i;
      out = (out << 8) | std::to_integer<std::uint32_t>((*part)[at]);
    }
    return out;
  }

 private:
  Bytes bytes_;
  bool big_endian_;
};

constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kTypeShort = 3;
constexpr std::uint32_t kTypeLong = 4;

bool starts_with(Bytes bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() &&
         std::memcmp(bytes.data(), prefix.data(), prefix.size()) == 0;
}

}  // namespace

int exif_orientation(Bytes exif) {
  using namespace std::string_view_literals;
  if (starts_with(exif, "Exif\0\0"sv)) exif = exif.subspan(6);
  const bool big_endian = starts_with(exif, "MM"sv);
  if (!big_endian && !starts_with(exif, "II"sv)) return 1;
  const TiffReader tiff(exif, big_endian);
  if (tiff.number(2, 2) != 42U) return 1;
  const auto directory = tiff.number(4, 4);
  if (!directory) return 1;
  const auto entries = tiff.number(*directory, 2);
  if (!entries) return 1;
  for (std::uint32_t i = 0; i < *entries; ++i) {
    const std::uint64_t entry = std::uint64_t{*directory} + 2 + std::uint64_t{i} * 12;
    const auto tag = tiff.number(entry, 2);
    const auto type = tiff.number(entry + 2, 2);
    if (!tag || !type) return 1;
    if (*tag != kOrientationTag) continue;
    if (*type != kTypeShort && *type != kTypeLong) return 1;
    const auto value = tiff.number(entry + 8, *type == kTypeShort ? 2 : 4);
    return value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

Image orient(Image image, int orientation) {
  MIEN_CHECK(orientation >= 1 && orientation <= 8);
  if (orientation == 1) return image;
  const bool transposed = swaps_sides(orientation);
  // How the stored picture is mirrored, before the transposition.
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const int width = transposed ? image.height() : image.width();
  const int height = transposed ? image.width() : image.height();
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    std::uint8_t* to = out.row(y);
    for (int x = 0; x < width; ++x, to += 3) {
      int from_x = transposed ? y : x;
      int from_y = transposed ? x : y;
      if (flip_x) from_x = image.width() - 1 - from_x;
      if (flip_y) from_y = image.height() - 1 - from_y;
      std::copy_n(image.row(from_y) + std::ptrdiff_t{3} * from_x, 3, to);
    }
  }
  return out;
}

}  // namespace mien::image
