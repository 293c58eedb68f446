#include "eval/corruptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "image/resize.h"
#include "mien/core/rng.h"
#include "mien/image/decode.h"

namespace mien::eval {
namespace {

using image::Image;
using Levels = std::array<double, kCorruptionLevels>;

constexpr std::array<std::pair<Corruption, std::string_view>, 6> kNames{
    {{Corruption::kBlur, "blur"},
     {Corruption::kNoise, "noise"},
     {Corruption::kJpeg, "jpeg"},
     {Corruption::kBrightness, "brightness"},
     {Corruption::kOcclusion, "occlusion"},
     {Corruption::kResolution, "resolution"}}};

constexpr Levels kBlurShare{0.005, 0.01, 0.015, 0.025, 0.04};
constexpr Levels kNoiseShare{0.04, 0.08, 0.12, 0.18, 0.26};
constexpr Levels kQuality{40, 25, 15, 10, 5};
constexpr Levels kShift{0.1, 0.2, 0.3, 0.4, 0.5};
constexpr Levels kHidden{0.1, 0.2, 0.3, 0.4, 0.5};
constexpr Levels kSide{48, 32, 24, 16, 12};

// FNV-1a, so that seeds are the same on every machine.
std::uint64_t seed_of(std::string_view name, Corruption kind, int level, std::uint64_t seed) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 1099511628211ULL; };
  for (const char c : name) mix(static_cast<unsigned char>(c));
  mix(static_cast<unsigned char>(kind));
  mix(static_cast<unsigned char>(level));
  return hash ^ (seed * 0x9E3779B97F4A7C15ULL);
}

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(std::lround(value), 0L, 255L));
}

// One pass of the separable filter: along rows (`down` false) or columns; borders are repeated.
void blur_pass(const Image& in, Image& out, const std::vector<float>& taps, bool down) {
  const int radius = static_cast<int>(taps.size() / 2);
  for (int y = 0; y < in.height(); ++y) {
    for (int x = 0; x < in.width(); ++x) {
      std::array<float, 3> sum{};
      for (int t = -radius; t <= radius; ++t) {
        const int sx = down ? x : std::clamp(x + t, 0, in.width() - 1);
        const int sy = down ? std::clamp(y + t, 0, in.height() - 1) : y;
        const std::uint8_t* pixel = in.row(sy) + 3 * sx;
        const float tap = taps[static_cast<std::size_t>(t + radius)];
        for (std::size_t c = 0; c < 3; ++c) sum[c] += tap * static_cast<float>(pixel[c]);
      }
      for (std::size_t c = 0; c < 3; ++c) {
        out.row(y)[3 * x + static_cast<int>(c)] = to_byte(static_cast<double>(sum[c]));
      }
    }
  }
}

Image blurred(const Image& picture, double sigma) {
  const int radius = std::max(1, static_cast<int>(std::ceil(3 * sigma)));
  std::vector<float> taps;
  double sum = 0;
  for (int t = -radius; t <= radius; ++t) sum += std::exp(-0.5 * t * t / (sigma * sigma));
  for (int t = -radius; t <= radius; ++t) {
    taps.push_back(static_cast<float>(std::exp(-0.5 * t * t / (sigma * sigma)) / sum));
  }
  Image half(picture.width(), picture.height()), out(picture.width(), picture.height());
  blur_pass(picture, half, taps, false);
  blur_pass(half, out, taps, true);
  return out;
}

Image occluded(const Image& picture, double share, Rng& rng) {
  const double area = share * picture.width() * picture.height();
  const int w = std::clamp(static_cast<int>(std::lround(std::sqrt(area))), 1, picture.width());
  const int h = std::clamp(static_cast<int>(std::lround(area / w)), 1, picture.height());
  const int left = static_cast<int>(rng.below(static_cast<std::uint64_t>(picture.width() - w) + 1));
  const int top = static_cast<int>(rng.below(static_cast<std::uint64_t>(picture.height() - h) + 1));
  Image out = picture;
  for (int y = top; y < top + h; ++y) {
    std::fill_n(out.row(y) + 3 * left, 3 * w, std::uint8_t{128});
  }
  return out;
}

Image coarse(const Image& picture, double side) {
  const double shrink = side / std::min(picture.width(), picture.height());
  if (shrink >= 1) return picture;
  const auto to = [&](int pixels) {
    return std::max(1, static_cast<int>(std::lround(pixels * shrink)));
  };
  const Image small = image::resize_u8(picture, to(picture.width()), to(picture.height()),
                                       image::Filter::kBilinear);
  return image::resize_u8(small, picture.width(), picture.height(), image::Filter::kBilinear);
}

}  // namespace

std::vector<Corruption> all_corruptions() {
  std::vector<Corruption> out;
  for (const auto& [kind, name] : kNames) out.push_back(kind);
  return out;
}

std::string_view to_string(Corruption corruption) {
  for (const auto& [kind, name] : kNames) {
    if (kind == corruption) return name;
  }
  return "";
}

Result<Corruption> parse_corruption(std::string_view word) {
  std::vector<std::string_view> known;
  for (const auto& [kind, name] : kNames) {
    if (name == word) return kind;
    known.push_back(name);
  }
  return invalid_argument(
      fmt::format("unknown corruption '{}' (expected {})", word, fmt::join(known, ", ")));
}

Result<Image> corrupt_image(const Image& picture, Corruption kind, int level, std::string_view name,
                            std::uint64_t seed) {
  MIEN_CHECK(!picture.empty() && level >= 1 && level <= kCorruptionLevels);
  const auto at = static_cast<std::size_t>(level - 1);
  const int shorter = std::min(picture.width(), picture.height());
  Rng rng(seed_of(name, kind, level, seed));
  Image out = picture;
  switch (kind) {
    case Corruption::kBlur: return blurred(picture, std::max(0.3, kBlurShare[at] * shorter));
    case Corruption::kNoise:
      for (std::uint8_t& v : out.pixels()) v = to_byte(v + 255 * kNoiseShare[at] * rng.normal());
      return out;
    case Corruption::kJpeg: {
      MIEN_ASSIGN_OR_RETURN(const auto bytes,
                            image::encode_jpeg(picture, static_cast<int>(kQuality[at])));
      return image::decode(bytes);
    }
    case Corruption::kBrightness: {
      const double shift = (rng.below(2) == 0 ? -255 : 255) * kShift[at];
      for (std::uint8_t& v : out.pixels()) v = to_byte(v + shift);
      return out;
    }
    case Corruption::kOcclusion: return occluded(picture, kHidden[at], rng);
    case Corruption::kResolution: return coarse(picture, kSide[at]);
  }
  return out;
}

}  // namespace mien::eval
