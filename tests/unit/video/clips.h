#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mien/image/image.h"
#include "mien/video/source.h"
#include "mien/video/writer.h"

namespace mien::video::test {

inline constexpr int kWidth = 128;
inline constexpr int kHeight = 64;

/// A picture that encodes `number` (0..255) in eight black or white bars, which survive any codec.
image::Image numbered_picture(int number, int width = kWidth, int height = kHeight);
/// The number read back, whatever the size.
int number_of(const image::Image& picture);

/// Writes numbered pictures 0, 1, .. at the given times.
Status write_numbered(const std::filesystem::path& path, const std::vector<std::int64_t>& times_us,
                      int width = kWidth, int height = kHeight);
/// `count` times, 40 ms apart.
std::vector<std::int64_t> steady_times(int count);

/// Numbers, times and indices of all remaining frames of `source`.
struct Listing {
  std::vector<int> numbers;
  std::vector<std::int64_t> times_us;
  std::vector<std::int64_t> indices;
  Status status;
};
Listing list_frames(VideoSource& source);

/// "stem", "7", ".mkv" joined.
std::string name_of(std::string_view stem, int number, std::string_view extension);

/// True when the ffmpeg program is installed; tests that need it are skipped otherwise.
bool have_ffmpeg();
bool have_encoder(const std::string& name);
/// Runs ffmpeg quietly, overwriting; true when it succeeds. Paths must not need quoting.
bool ffmpeg(const std::string& arguments);

std::vector<std::byte> bytes_of(const std::filesystem::path& path);
void write_bytes(const std::filesystem::path& path, const std::vector<std::byte>& bytes);
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace mien::video::test

#define MIEN_NEEDS_FFMPEG() \
  if (!have_ffmpeg()) GTEST_SKIP() << "the ffmpeg program is not installed"
#define MIEN_NEEDS_ENCODER(name) \
  if (!have_encoder(name)) GTEST_SKIP() << "ffmpeg has no encoder " << (name)
