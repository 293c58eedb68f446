#include "mien/image/decode.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "image/bmp.h"
#include "image/codec.h"
#include "mien/core/file.h"

namespace mien::image {
namespace {

bool has_bytes(Bytes bytes, std::size_t offset, std::string_view expected) {
  return bytes.size() >= offset + expected.size() &&
         std::memcmp(bytes.data() + offset, expected.data(), expected.size()) == 0;
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
    default: break;
  }
  return unsupported("is not a picture of a known format (expected JPEG, PNG, WebP, BMP or PPM)");
}

Result<Reduced> decode_any(Bytes bytes, const Limits& limits, const Enough& enough) {
  if (sniff(bytes) == Format::kJpeg) return decode_jpeg(bytes, limits, enough);
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
  return Format::kUnknown;
}

std::string_view to_string(Format format) {
  switch (format) {
    case Format::kJpeg: return "jpeg";
    case Format::kPng: return "png";
    case Format::kWebp: return "webp";
    case Format::kBmp: return "bmp";
    case Format::kPpm: return "ppm";
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

bool has_image_extension(const std::filesystem::path& path) {
  static constexpr std::array<std::string_view, 11> kExtensions{
      ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib", ".ppm", ".pgm", ".pnm"};
  std::string extension = path.extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

}  // namespace mien::image
