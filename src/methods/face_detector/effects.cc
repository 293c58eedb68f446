#include "methods/face_detector/effects.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "image/resize.h"
#include "mien/image/decode.h"

namespace mien::methods {
namespace {

void change_light(Rng& rng, image::Image& picture) {
  const double gamma = std::exp(rng.uniform(-0.5, 0.5)), gain = rng.uniform(0.6, 1.3);
  std::array<std::uint8_t, 256> table{};
  for (std::size_t v = 0; v < table.size(); ++v) {
    const double value = std::pow(static_cast<double>(v) / 255, gamma) * gain * 255;
    table[v] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
  }
  for (std::uint8_t& value : picture.pixels()) value = table[value];
}

void remove_colour(image::Image& picture) {
  std::vector<std::uint8_t>& pixels = picture.pixels();
  for (std::size_t i = 0; i + 2 < pixels.size(); i += 3) {
    const int luma = (299 * pixels[i] + 587 * pixels[i + 1] + 114 * pixels[i + 2]) / 1000;
    pixels[i] = pixels[i + 1] = pixels[i + 2] = static_cast<std::uint8_t>(luma);
  }
}

float blur(Rng& rng, image::Image& picture) {
  const double factor = rng.uniform(1.2, 2.6);
  const auto smaller = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(side / factor)));
  };
  const int width = picture.width(), height = picture.height();
  const image::Image small =
      image::resize_u8(picture, smaller(width), smaller(height), image::Filter::kBilinear);
  picture = image::resize_u8(small, width, height, image::Filter::kBilinear);
  return static_cast<float>(factor);
}

// A value of the generator gives the noise of four pixels' channels, each the sum of two bytes.
void add_noise(Rng& rng, image::Image& picture) {
  const auto strength = static_cast<float>(rng.uniform(0.01, 0.12));
  std::uint64_t bits = 0;
  std::size_t left = 0;
  for (std::uint8_t& value : picture.pixels()) {
    if (left == 0) {
      bits = rng.next_u64();
      left = 4;
    }
    const int sum = static_cast<int>(bits & 255U) + static_cast<int>((bits >> 8U) & 255U) - 255;
    bits >>= 16U;
    --left;
    value = static_cast<std::uint8_t>(
        std::clamp(static_cast<float>(value) + strength * static_cast<float>(sum), 0.0F, 255.0F));
  }
}

}  // namespace

Result<float> apply_effects(const SceneOptions& options, Rng& rng, image::Image& picture) {
  float blurred = 1;
  if (rng.uniform() < 0.5) change_light(rng, picture);
  if (rng.uniform() < options.grey_share) remove_colour(picture);
  if (rng.uniform() < options.blur_share) blurred = blur(rng, picture);
  if (rng.uniform() < options.noise_share) add_noise(rng, picture);
  if (rng.uniform() < options.jpeg_share) {
    const int quality = 30 + static_cast<int>(rng.below(65));
    MIEN_ASSIGN_OR_RETURN(const auto bytes, image::encode_jpeg(picture, quality));
    MIEN_ASSIGN_OR_RETURN(picture, image::decode(bytes));
  }
  return blurred;
}

}  // namespace mien::methods
