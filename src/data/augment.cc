#include "data/augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "mien/core/check.h"

namespace mien::data {
namespace {

struct Source {
  const float* plane;
  int side;

  float at(int x, int y) const {
    return x >= 0 && y >= 0 && x < side && y < side ? plane[y * side + x] : 0.0F;
  }
  float nearest(double x, double y) const {
    // Rounds halves to the even pixel, as PyTorch's grid sampling does.
    return at(static_cast<int>(std::nearbyint(x)), static_cast<int>(std::nearbyint(y)));
  }
  float bilinear(double x, double y) const {
    const double left = std::floor(x), top = std::floor(y);
    const auto dx = static_cast<float>(x - left), dy = static_cast<float>(y - top);
    const int ix = static_cast<int>(left), iy = static_cast<int>(top);
    const float upper = at(ix, iy) * (1 - dx) + at(ix + 1, iy) * dx;
    const float lower = at(ix, iy + 1) * (1 - dx) + at(ix + 1, iy + 1) * dx;
    return upper * (1 - dy) + lower * dy;
  }
};

void warp(const Augmentation& a, int side, std::span<float> planes) {
  const double centre = (side - 1) / 2.0;
  const double angle = a.angle_deg * std::numbers::pi / 180;
  // Maps a pixel of the result to its position in the source.
  const double c = std::cos(angle) / a.scale, s = std::sin(angle) / a.scale;
  const std::vector<float> before(planes.begin(), planes.end());
  const std::size_t area = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const double u = x - centre - a.shift_x * side, v = y - centre - a.shift_y * side;
      const double from_x = c * u - s * v + centre, from_y = s * u + c * v + centre;
      const auto target = static_cast<std::size_t>(y * side + x);
      for (std::size_t p = 0; p < 3; ++p) {
        const Source source{before.data() + p * area, side};
        planes[p * area + target] =
            a.smooth ? source.bilinear(from_x, from_y) : source.nearest(from_x, from_y);
      }
    }
  }
}

void mirror_frames(int side, std::span<float> planes) {
  for (std::size_t row = 0; row < 3 * static_cast<std::size_t>(side); ++row) {
    float* begin = planes.data() + row * static_cast<std::size_t>(side);
    std::reverse(begin, begin + side);
  }
}

void erase(const Augmentation& a, int side, std::span<float> planes) {
  const auto pixel = [side](double share) {
    return std::clamp(static_cast<int>(share * side), 0, side);
  };
  const int left = pixel(a.erase_x), right = pixel(a.erase_x + a.erase_w);
  const int top = pixel(a.erase_y), bottom = pixel(a.erase_y + a.erase_h);
  for (int p = 0; p < 3; ++p) {
    for (int y = top; y < bottom; ++y) {
      float* row = planes.data() + (p * side + y) * side;
      std::fill(row + left, row + std::max(left, right), 0.0F);
    }
  }
}

}  // namespace

bool AugmentOptions::any() const {
  return rotate_deg > 0 || flip > 0 || scale > 0 || shift > 0 || contrast > 0 || brightness > 0 ||
         noise > 0 || erase > 0;
}

void AugmentOptions::register_options(OptionSet& set) {
  set.add("rotate_deg", rotate_deg, "Maximum rotation in degrees, in both directions", {0, 180});
  set.add("flip", flip, "Probability of mirroring", {0, 1});
  set.add("scale", scale, "Maximum zoom as a share, in both directions", {0, 0.9});
  set.add("shift", shift, "Maximum shift as a share of the side", {0, 1});
  set.add("contrast", contrast, "Maximum change of contrast, as a share", {0, 1});
  set.add("brightness", brightness, "Maximum change of brightness, in preprocessed units", {0, 10});
  set.add("noise", noise, "Maximum standard deviation of normal noise", {0, 10});
  set.add("erase", erase, "Probability that a rectangle is blanked", {0, 1});
  set.add("smooth", smooth, "Bilinear; false: nearest neighbour, as EmoCLIP");
}

AugmentOptions AugmentOptions::tilt_and_flip() {
  AugmentOptions out;
  out.rotate_deg = 6;
  out.flip = 0.5;
  out.smooth = false;
  return out;
}

Augmentation draw_augmentation(const AugmentOptions& options, Rng& rng) {
  Augmentation out;
  out.angle_deg = rng.uniform(-options.rotate_deg, options.rotate_deg);
  out.flip = rng.uniform() < options.flip;
  out.scale = rng.uniform(1 - options.scale, 1 + options.scale);
  out.shift_x = rng.uniform(-options.shift, options.shift);
  out.shift_y = rng.uniform(-options.shift, options.shift);
  out.contrast = rng.uniform(1 - options.contrast, 1 + options.contrast);
  out.brightness = rng.uniform(-options.brightness, options.brightness);
  out.noise = rng.uniform() * options.noise;
  const bool erases = rng.uniform() < options.erase;
  const double area = rng.uniform(0.02, 0.25), ratio = std::exp(rng.uniform(-1.2, 1.2));
  const double at_x = rng.uniform(), at_y = rng.uniform();
  if (erases) {
    out.erase_w = std::min(1.0, std::sqrt(area * ratio));
    out.erase_h = std::min(1.0, std::sqrt(area / ratio));
    out.erase_x = at_x * (1 - out.erase_w);
    out.erase_y = at_y * (1 - out.erase_h);
  }
  out.smooth = options.smooth;
  return out;
}

void augment(const Augmentation& a, int side, std::span<float> planes, Rng& rng) {
  MIEN_CHECK(planes.size() == 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  if (a.angle_deg != 0 || a.scale != 1 || a.shift_x != 0 || a.shift_y != 0) warp(a, side, planes);
  if (a.flip) mirror_frames(side, planes);
  if (a.contrast != 1 || a.brightness != 0) {
    const auto times = static_cast<float>(a.contrast), plus = static_cast<float>(a.brightness);
    for (float& value : planes) value = value * times + plus;
  }
  if (a.noise > 0) {
    for (float& value : planes) value += static_cast<float>(a.noise * rng.normal());
  }
  if (a.erase_w > 0) erase(a, side, planes);
}

}  // namespace mien::data
