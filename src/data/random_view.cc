#include "data/random_view.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "mien/core/check.h"

namespace mien::data {
namespace {

constexpr int kCropTries = 10;

struct Colour {
  float r, g, b;
};

Colour turned(Colour c, float turn) {
  const float most = std::max({c.r, c.g, c.b}), least = std::min({c.r, c.g, c.b});
  const float range = most - least;
  if (range <= 0) return c;
  float hue = most == c.r   ? (c.g - c.b) / range
              : most == c.g ? 2 + (c.b - c.r) / range
                            : 4 + (c.r - c.g) / range;
  hue = hue / 6 + turn;
  hue = 6 * (hue - std::floor(hue));
  // Every channel is a trapezoid over the hue circle.
  const auto channel = [&](float offset) {
    const float k = std::fmod(offset + hue, 6.0F);
    return most - range * std::clamp(std::min(k, 4 - k), 0.0F, 1.0F);
  };
  return {channel(5), channel(3), channel(1)};
}

}  // namespace

bool RandomViewOptions::any() const { return brightness > 0 || hue > 0 || crop_area < 1; }

void RandomViewOptions::register_options(OptionSet& set) {
  set.add("brightness", brightness, "Maximum change of brightness as a factor, in both directions",
          {0, 1});
  set.add("hue", hue, "Maximum turn of the hue as a share of its circle, in both directions",
          {0, 0.5});
  set.add("crop_area", crop_area, "Minimum share of the area that a random crop keeps; 1: no crop",
          {0.01, 1});
  set.add("ratio_min", ratio_min, "Minimum ratio of width to height of a crop", {0.1, 10});
  set.add("ratio_max", ratio_max, "Maximum ratio of width to height of a crop", {0.1, 10});
}

RandomViewOptions RandomViewOptions::cliper() {
  return {.brightness = 0.4, .hue = 0.3, .crop_area = 0.15, .ratio_min = 0.3, .ratio_max = 3.3};
}

RandomView draw_view(const RandomViewOptions& options, Rng& rng) {
  RandomView out;
  out.brightness = rng.uniform(1 - options.brightness, 1 + options.brightness);
  out.hue = rng.uniform(-options.hue, options.hue);
  out.hue_first = rng.uniform() < 0.5;
  // The first shape that fits is used; without one, the whole picture, which is square.
  const double low = std::log(options.ratio_min), high = std::log(options.ratio_max);
  for (int i = 0; i < kCropTries; ++i) {
    const double area = rng.uniform(options.crop_area, 1);
    const double ratio = std::exp(rng.uniform(low, high));
    const double width = std::sqrt(area * ratio), height = std::sqrt(area / ratio);
    const double x = rng.uniform(), y = rng.uniform();
    if (options.crop_area >= 1 || out.crops || width > 1 || height > 1) continue;
    out.crops = true;
    out.width = width;
    out.height = height;
    out.x = x;
    out.y = y;
  }
  return out;
}

void jitter(const RandomView& view, const PlaneScale& scale, std::span<float> planes) {
  if (view.brightness == 1 && view.hue == 0) return;
  const std::size_t area = planes.size() / 3;
  const auto factor = static_cast<float>(view.brightness);
  const auto brighter = [factor](Colour c) {
    return Colour{std::clamp(c.r * factor, 0.0F, 1.0F), std::clamp(c.g * factor, 0.0F, 1.0F),
                  std::clamp(c.b * factor, 0.0F, 1.0F)};
  };
  const auto turn = static_cast<float>(view.hue);
  for (std::size_t i = 0; i < area; ++i) {
    const auto value = [&](std::size_t p) {
      return planes[p * area + i] * scale.std[p] + scale.mean[p];
    };
    const Colour before = {value(0), value(1), value(2)};
    const Colour after =
        view.hue_first ? brighter(turned(before, turn)) : turned(brighter(before), turn);
    const float channels[3] = {after.r, after.g, after.b};
    for (std::size_t p = 0; p < 3; ++p) {
      planes[p * area + i] = (channels[p] - scale.mean[p]) / scale.std[p];
    }
  }
}

void crop(const RandomView& view, int side, std::span<float> planes) {
  if (!view.crops) return;
  const std::size_t area = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  MIEN_CHECK(planes.size() == 3 * area);
  const auto pixels = [side](double share) {
    return std::max(1, static_cast<int>(std::lround(share * side)));
  };
  const int width = pixels(view.width), height = pixels(view.height);
  const int left = static_cast<int>(view.x * (side - width + 1));
  const int top = static_cast<int>(view.y * (side - height + 1));
  const std::vector<float> before(planes.begin(), planes.end());
  // Half-pixel centres, clamped at the edge of the crop (align_corners = false).
  const auto source = [side](int to, int length) {
    return std::clamp((to + 0.5) * length / side - 0.5, 0.0, length - 1.0);
  };
  for (int y = 0; y < side; ++y) {
    const double v = source(y, height);
    const int y0 = static_cast<int>(v), y1 = std::min(y0 + 1, height - 1);
    const auto dy = static_cast<float>(v - y0);
    for (int x = 0; x < side; ++x) {
      const double u = source(x, width);
      const int x0 = static_cast<int>(u), x1 = std::min(x0 + 1, width - 1);
      const auto dx = static_cast<float>(u - x0);
      for (std::size_t p = 0; p < 3; ++p) {
        const float* plane = before.data() + p * area;
        const auto at = [&](int row, int column) {
          return plane[(top + row) * side + left + column];
        };
        const float upper = at(y0, x0) * (1 - dx) + at(y0, x1) * dx;
        const float lower = at(y1, x0) * (1 - dx) + at(y1, x1) * dx;
        planes[p * area + static_cast<std::size_t>(y * side + x)] = upper * (1 - dy) + lower * dy;
      }
    }
  }
}

}  // namespace mien::data
