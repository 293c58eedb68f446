#include <fmt/format.h>
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "image/codec.h"
#include "image/exif.h"

namespace mien::image {
namespace {

// The densest coding: a fax of blank rows.
constexpr std::uint64_t kMaxPixelsPerByte = 16'384;

/// The bytes as a file, and libtiff's messages.
struct Memory {
  Bytes bytes;
  std::uint64_t position = 0;
  std::string problem;
};

extern "C" {
static tmsize_t read_memory(thandle_t handle, void* out, tmsize_t count) {
  auto& memory = *static_cast<Memory*>(handle);
  if (count <= 0 || memory.position >= memory.bytes.size()) return 0;
  const std::size_t left = memory.bytes.size() - static_cast<std::size_t>(memory.position);
  const std::size_t n = std::min(left, static_cast<std::size_t>(count));
  std::memcpy(out, memory.bytes.data() + memory.position, n);
  memory.position += n;
  return static_cast<tmsize_t>(n);
}
static tmsize_t write_memory(thandle_t, void*, tmsize_t) { return 0; }
static toff_t seek_memory(thandle_t handle, toff_t offset, int whence) {
  auto& memory = *static_cast<Memory*>(handle);
  std::uint64_t base = 0;
  if (whence == SEEK_CUR) base = memory.position;
  if (whence == SEEK_END) base = memory.bytes.size();
  memory.position = base + offset;
  return memory.position;
}
static int close_memory(thandle_t) { return 0; }
static toff_t size_of_memory(thandle_t handle) {
  return static_cast<Memory*>(handle)->bytes.size();
}
static int keep_problem(TIFF*, void* data, const char*, const char* format, va_list arguments) {
  std::array<char, 256> text{};
  std::vsnprintf(text.data(), text.size(), format, arguments);
  auto& memory = *static_cast<Memory*>(data);
  if (memory.problem.empty()) memory.problem = text.data();
  return 1;
}
static int drop_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }
}

struct TiffDeleter {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using TiffPtr = std::unique_ptr<TIFF, TiffDeleter>;

struct OptionsDeleter {
  void operator()(TIFFOpenOptions* options) const { TIFFOpenOptionsFree(options); }
};

TiffPtr open(Memory& memory, const Limits& limits) {
  const std::unique_ptr<TIFFOpenOptions, OptionsDeleter> options(TIFFOpenOptionsAlloc());
  if (options == nullptr) return nullptr;
  const std::uint64_t most = std::min<std::uint64_t>(limits.max_pixels, 1U << 30) * 8;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), static_cast<tmsize_t>(most));
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_problem, &memory);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), drop_warning, &memory);
  // "m": no memory mapping
  return TiffPtr(TIFFClientOpenExt("", "rm", &memory, read_memory, write_memory, seek_memory,
                                   close_memory, size_of_memory, nullptr, nullptr, options.get()));
}

std::uint32_t number_of(TIFF* tiff, std::uint32_t tag) {
  std::uint32_t value = 0;
  TIFFGetField(tiff, tag, &value);
  return value;
}

std::uint16_t short_of(TIFF* tiff, std::uint32_t tag) {
  std::uint16_t value = 0;
  TIFFGetFieldDefaulted(tiff, tag, &value);
  return value;
}

// The first picture in a camera's raw file is a small preview: a result for it would pass for one
// of the full picture.
Status check_kind(TIFF* tiff) {
  std::uint16_t count = 0;
  const void* version = nullptr;
  constexpr std::uint32_t kDngVersion = 50706;
  const bool preview = (number_of(tiff, TIFFTAG_SUBFILETYPE) & FILETYPE_REDUCEDIMAGE) != 0;
  if (preview || TIFFGetField(tiff, kDngVersion, &count, &version) == 1) {
    return unsupported(
        "is a camera's raw file, which is not supported (expected a developed picture; convert it "
        "to "
        "JPEG or TIFF)");
  }
  return {};
}

// Errors: kUnsupported for more than one page. Leaves the first one open.
Status check_pages(TIFF* tiff) {
  constexpr int kMost = 10'000;
  int pages = 1;
  while (pages < kMost && TIFFReadDirectory(tiff) == 1) {
    const std::uint32_t kind = number_of(tiff, TIFFTAG_SUBFILETYPE);
    if ((kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0) ++pages;
  }
  if (pages > 1) {
    return unsupported(fmt::format(
        "TIFF has {} pages (expected one; split it, for example with tiffsplit)", pages));
  }
  if (TIFFSetDirectory(tiff, 0) != 1) return corrupt("TIFF is damaged");
  return {};
}

}  // namespace

Result<Image> decode_tiff(Bytes bytes, const Limits& limits) {
  Memory memory{bytes, 0, {}};
  const TiffPtr tiff = open(memory, limits);
  const auto damaged = [&] {
    return corrupt(fmt::format("TIFF is damaged or truncated{}",
                               memory.problem.empty() ? "" : " (" + memory.problem + ")"));
  };
  if (tiff == nullptr) return damaged();
  MIEN_RETURN_IF_ERROR(check_kind(tiff.get()));
  MIEN_RETURN_IF_ERROR(check_pages(tiff.get()));
  memory.problem.clear();
  const std::uint32_t width = number_of(tiff.get(), TIFFTAG_IMAGEWIDTH);
  const std::uint32_t height = number_of(tiff.get(), TIFFTAG_IMAGELENGTH);
  MIEN_RETURN_IF_ERROR(check_picture_size(width, height, limits));
  const std::uint64_t pixels = std::uint64_t{width} * height;
  const bool plain = short_of(tiff.get(), TIFFTAG_COMPRESSION) == COMPRESSION_NONE;
  const std::uint64_t bits = std::uint64_t{short_of(tiff.get(), TIFFTAG_BITSPERSAMPLE)} *
                             short_of(tiff.get(), TIFFTAG_SAMPLESPERPIXEL);
  MIEN_RETURN_IF_ERROR(check_enough_bytes(bytes.size(),
                                          plain ? pixels * bits / 16 : pixels / kMaxPixelsPerByte,
                                          fmt::format("{}x{} TIFF", width, height)));
  std::array<char, 1024> reason{};
  if (TIFFRGBAImageOK(tiff.get(), reason.data()) != 1) {
    return unsupported(fmt::format("TIFF: {}", reason.data()));
  }
  const int orientation = std::clamp<int>(short_of(tiff.get(), TIFFTAG_ORIENTATION), 1, 8);
  TIFFSetField(tiff.get(), TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);  // libtiff only mirrors
  std::vector<std::uint32_t> raster(pixels);
  if (TIFFReadRGBAImageOriented(tiff.get(), width, height, raster.data(), ORIENTATION_TOPLEFT, 1) !=
      1) {
    return damaged();
  }
  Image out(static_cast<int>(width), static_cast<int>(height));
  std::uint8_t* to = out.row(0);
  for (const std::uint32_t pixel :
       raster) {  // colours are premultiplied with alpha: over black already
    *to++ = static_cast<std::uint8_t>(TIFFGetR(pixel));
    *to++ = static_cast<std::uint8_t>(TIFFGetG(pixel));
    *to++ = static_cast<std::uint8_t>(TIFFGetB(pixel));
  }
  return orient(std::move(out), orientation);
}

}  // namespace mien::image
