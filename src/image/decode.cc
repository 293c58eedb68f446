#include "mien/image/decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "core/file.h"
#include "image/bmp.h"
#include "image/codec.h"

namespace mien::image {
namespace {

bool has_bytes(Bytes bytes, std::size_t offset, std::string_view expected) {
  return bytes.size() >= offset + expected.size() &&
         std::memcmp(bytes.data() + offset, expected.data(), expected.size()) == 0;
}

constexpr const char* kReadFormats = "JPEG, PNG, WebP, BMP, PPM, TIFF, HEIC, AVIF or JPEG 2000";

// Pictures among the files that start with the box "ftyp", as clips do.
bool looks_like_heif(Bytes bytes) {
  if (!has_bytes(bytes, 4, "ftyp")) return false;
  for (const std::string_view brand :
       {"heic", "heix", "heim", "heis", "mif1", "mif2", "avif", "avis", "msf1", "hevc", "hevx"}) {
    if (has_bytes(bytes, 8, brand)) return true;
  }
  return false;
}

bool looks_like_tiff(Bytes bytes) {
  using namespace std::string_view_literals;
  return has_bytes(bytes, 0, "II*\0"sv) || has_bytes(bytes, 0, "MM\0*"sv) ||
         has_bytes(bytes, 0, "II+\0"sv) || has_bytes(bytes, 0, "MM\0+"sv);
}

std::uint32_t big_endian_32(Bytes bytes, std::size_t offset) {
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    out = (out << 8) | std::to_integer<std::uint32_t>(bytes[offset + i]);
  }
  return out;
}

bool looks_like_ppm(Bytes bytes) {
  if (bytes.size() < 3 || as_u8(bytes)[0] != 'P') return false;
  const char kind = static_cast<char>(as_u8(bytes)[1]);
  const char next = static_cast<char>(as_u8(bytes)[2]);
  return std::string_view("2356").find(kind) != std::string_view::npos &&
         std::string_view(" \t\r\n#").find(next) != std::string_view::npos;
}

Result<Image> decode_other(Bytes bytes, const Limits& limits) {
  if (bytes.empty()) return corrupt("is empty (expected a picture)");
  switch (sniff(bytes)) {
    case Format::kPng: return decode_png(bytes, limits);
    case Format::kWebp: return decode_webp(bytes, limits);
    case Format::kBmp: return decode_bmp(bytes, limits);
    case Format::kPpm: return decode_ppm(bytes, limits);
    case Format::kTiff: return decode_tiff(bytes, limits);
    case Format::kHeif: return decode_heif(bytes, limits);
    default: break;
  }
  const std::string_view name = unread_format(bytes);
  if (!name.empty()) {
    return unsupported(
        fmt::format("is {}, which is not supported (expected {}; convert it)", name, kReadFormats));
  }
  return unsupported(fmt::format("is not a picture of a known format (expected {})", kReadFormats));
}

Result<Reduced> decode_any(Bytes bytes, const Limits& limits, const Enough& enough) {
  const Format format = sniff(bytes);
  if (format == Format::kJpeg) return decode_jpeg(bytes, limits, enough);
  if (format == Format::kJpeg2000) return decode_jpeg2000(bytes, limits, enough);
  MIEN_ASSIGN_OR_RETURN(Image image, decode_other(bytes, limits));
  const int width = image.width(), height = image.height();
  return Reduced{.image = std::move(image), .width = width, .height = height};
}

Result<Reduced> decode_named(Bytes bytes, std::string_view subject, const Limits& limits,
                             const Enough& enough) {
  Result<Reduced> decoded = decode_any(bytes, limits, enough);
  if (!decoded.ok()) return decoded.status().with_prefix(subject);
  return decoded;
}

}  // namespace

Format sniff(std::span<const std::byte> bytes) {
  using namespace std::string_view_literals;
  if (has_bytes(bytes, 0, "\xFF\xD8\xFF"sv)) return Format::kJpeg;
  if (has_bytes(bytes, 0, "\x89PNG\r\n\x1A\n"sv)) return Format::kPng;
  if (has_bytes(bytes, 0, "RIFF"sv) && has_bytes(bytes, 8, "WEBP"sv)) return Format::kWebp;
  if (looks_like_bmp(bytes)) return Format::kBmp;
  if (looks_like_ppm(bytes)) return Format::kPpm;
  if (looks_like_tiff(bytes) && !has_bytes(bytes, 8, "CR\2\0"sv)) return Format::kTiff;
  if (looks_like_heif(bytes)) return Format::kHeif;
  if (has_bytes(bytes, 0, "\0\0\0\x0CjP  \r\n\x87\n"sv)) return Format::kJpeg2000;
  if (has_bytes(bytes, 0, "\xFF\x4F\xFF\x51"sv)) return Format::kJpeg2000;
  return Format::kUnknown;
}

std::string_view unread_format(std::span<const std::byte> bytes) {
  using namespace std::string_view_literals;
  struct Known {
    std::size_t offset;
    std::string_view magic;
    std::string_view name;
  };
  static constexpr std::array<Known, 14> kKnown = {{
      {0, "\xFF\x0A"sv, "a JPEG XL picture"},
      {0, "\0\0\0\x0CJXL \r\n\x87\n"sv, "a JPEG XL picture"},
      {0, "8BPS"sv, "a Photoshop document"},
      {0, "gimp xcf"sv, "a GIMP document"},
      {0, "\x76\x2F\x31\x01"sv, "an OpenEXR picture"},
      {0, "#?RADIANCE"sv, "a Radiance picture"},
      {0, "%PDF-"sv, "a PDF document"},
      {0, "<svg"sv, "an SVG drawing"},
      {0, "\0\0\1\0"sv, "an icon"},
      {8, "CR\2\0"sv, "a camera's raw file"},
      {4, "ftypcrx "sv, "a camera's raw file"},
      {0, "FUJIFILMCCD-RAW"sv, "a camera's raw file"},
      {0, "IIRO"sv, "a camera's raw file"},
      {0, "IIU\0"sv, "a camera's raw file"},
  }};
  for (const Known& known : kKnown) {
    if (has_bytes(bytes, known.offset, known.magic)) return known.name;
  }
  return {};
}

bool is_animated(std::span<const std::byte> bytes) {
  if (sniff(bytes) != Format::kPng) return false;
  constexpr std::uint64_t kSignature = 8;
  for (std::uint64_t at = kSignature; at + 12 <= bytes.size();) {
    if (has_bytes(bytes, at + 4, "IDAT")) return false;
    if (has_bytes(bytes, at + 4, "acTL")) return big_endian_32(bytes, at + 8) > 1;
    at += std::uint64_t{12} + big_endian_32(bytes, at);
  }
  return false;
}

std::string_view to_string(Format format) {
  switch (format) {
    case Format::kJpeg: return "jpeg";
    case Format::kPng: return "png";
    case Format::kWebp: return "webp";
    case Format::kBmp: return "bmp";
    case Format::kPpm: return "ppm";
    case Format::kTiff: return "tiff";
    case Format::kHeif: return "heif";
    case Format::kJpeg2000: return "jpeg2000";
    case Format::kUnknown: break;
  }
  return "unknown";
}

Result<Image> decode(std::span<const std::byte> bytes, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(Reduced decoded, decode_named(bytes, "bytes", limits, {}));
  return std::move(decoded.image);
}

Result<Image> load(const std::filesystem::path& path, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                        read_file(path, limits.max_image_bytes));
  MIEN_ASSIGN_OR_RETURN(Reduced decoded, decode_named(bytes, path.string(), limits, {}));
  return std::move(decoded.image);
}

Result<Reduced> load_reduced(const std::filesystem::path& path, const Enough& enough,
                             const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes,
                        read_file(path, limits.max_image_bytes));
  return decode_named(bytes, path.string(), limits, enough);
}

Result<Reduced> decode_reduced(Bytes bytes, std::string_view subject, const Enough& enough,
                               const Limits& limits) {
  if (bytes.size() > limits.max_image_bytes) {
    return resource_limit(fmt::format("{}: is too large (expected at most {} bytes, got {})",
                                      subject, limits.max_image_bytes, bytes.size()));
  }
  return decode_named(bytes, subject, limits, enough);
}

bool has_image_extension(const std::filesystem::path& path) {
  static constexpr std::array<std::string_view, 22> kExtensions{
      ".jpg", ".jpeg", ".jpe",  ".jfif", ".png",  ".apng", ".webp", ".bmp", ".dib", ".ppm", ".pgm",
      ".pnm", ".tif",  ".tiff", ".heic", ".heif", ".hif",  ".avif", ".jp2", ".j2k", ".jpf", ".jpx"};
  std::string extension = path.extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

}  // namespace mien::image
