#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::eval {

enum class Corruption {
  kBlur,        ///< Gaussian; sigma 0.5, 1, 1.5, 2.5, 4 % of the shorter side
  kNoise,       ///< Gaussian per value; standard deviation 4, 8, 12, 18, 26 % of the range
  kJpeg,        ///< encoded and decoded at quality 40, 25, 15, 10, 5
  kBrightness,  ///< every value shifted by 10, 20, 30, 40, 50 % of the range, up or down by the
                ///< seed
  kOcclusion,   ///< a grey square over 10, 20, 30, 40, 50 % of the area, placed by the seed
  kResolution,  ///< shorter side down to 48, 32, 24, 16, 12 pixels, and up again
};

constexpr int kCorruptionLevels = 5;

std::vector<Corruption> all_corruptions();
std::string_view to_string(Corruption corruption);  ///< "blur", "noise", ...
/// Errors: kInvalidArgument for any other word.
Result<Corruption> parse_corruption(std::string_view word);

/// Corrupts a picture. The same (name, kind, level, seed) always gives the same pixels; `name`
/// distinguishes samples. Precondition: the picture is not empty, level is 1..5.
/// Errors: those of the JPEG codec.
Result<image::Image> corrupt_image(const image::Image& picture, Corruption kind, int level,
                                   std::string_view name, std::uint64_t seed = 1);

}  // namespace mien::eval
