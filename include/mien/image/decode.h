#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::image {

/// The picture formats that decode() reads.
enum class Format { kUnknown, kJpeg, kPng, kWebp, kBmp, kPpm, kTiff, kHeif, kJpeg2000 };

/// The format, recognised by the first bytes, never by a file name.
Format sniff(std::span<const std::byte> bytes);
/// The name for messages and JSON, for example "jpeg".
std::string_view to_string(Format format);

/// A picture format that is recognised by its first bytes but not supported, with an article: "a
/// JPEG XL picture"; "" for all others.
std::string_view unread_format(std::span<const std::byte> bytes);

/// True for an animated PNG of more than one frame, which is read as a clip. Only the chunks before
/// the pixels are needed; `bytes` may end after them.
bool is_animated(std::span<const std::byte> bytes);

/// Decodes a JPEG, PNG, WebP, BMP, PPM/PGM, TIFF, HEIC, AVIF or JPEG 2000 to upright 8-bit RGB:
/// EXIF orientation is applied, grey is replicated, CMYK converted, 16 bits are scaled to 8,
/// palettes resolved, transparency is composited on black. Supported features of
/// each format: docs/reference/formats.md. Messages start with "bytes: ". Errors: kUnsupported for
/// an unknown format or feature; kCorrupt, also for a truncated picture; kResourceLimit above
/// limits.max_pixels or max_dimension, as the header states them, before pixels are allocated.
Result<Image> decode(std::span<const std::byte> bytes, const Limits& limits = {});

/// read_file + decode; messages start with the path. Errors: those of both; kResourceLimit above
/// limits.max_image_bytes.
Result<Image> load(const std::filesystem::path& path, const Limits& limits = {});

/// How small a picture may become; both limits hold. With `pixels` 0 it is never reduced.
struct Enough {
  double pixels = 0;
  int side = 0;  ///< of the shorter side
  /// A picture beyond the limits may be decoded at a fraction of its size that is within them, if
  /// its format allows that (JPEG, JPEG 2000); otherwise it is an error.
  bool beyond_limits = false;
};

/// A picture that may have been reduced, and the size its file states, upright.
struct Reduced {
  Image image;
  int width = 0;
  int height = 0;
};

/// As load, but decodes a JPEG (a JPEG 2000 only beyond the limits) at a half, a quarter or an
/// eighth of its size where that is enough: several times as fast, and in less memory. Errors: as
/// load, by the size in the file.
Result<Reduced> load_reduced(const std::filesystem::path& path, const Enough& enough,
                             const Limits& limits = {});

/// As load_reduced, from bytes; messages start with `subject`. Errors: as load_reduced, except
/// those of files.
Result<Reduced> decode_reduced(std::span<const std::byte> bytes, std::string_view subject,
                               const Enough& enough, const Limits& limits = {});

/// True when the extension is that of a format `load` reads (case is ignored); for listing folders.
bool has_image_extension(const std::filesystem::path& path);

/// Encodes as PNG (RGB, 8 bit). Errors: kInvalidArgument for an empty picture; kInternal when
/// libpng fails.
Result<std::vector<std::byte>> encode_png(ImageView image);
/// Encodes as baseline JPEG with 4:2:0 chroma, the same bytes every time. `quality`: 1 to 100, on
/// libjpeg's scale. Errors: kInvalidArgument for an empty picture or a quality out of range;
/// kInternal when libjpeg fails.
Result<std::vector<std::byte>> encode_jpeg(ImageView image, int quality = 85);

}  // namespace mien::image
