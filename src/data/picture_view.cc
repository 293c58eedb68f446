#include "data/picture_view.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "image/resize.h"
#include "mien/core/check.h"

namespace mien::data {
namespace {

constexpr int kTries = 10;

image::Image copy_of(image::ImageView source) {
  image::Image out(source.width, source.height);
  for (int y = 0; y < source.height; ++y) {
    std::memcpy(out.row(y), source.row(y), 3 * static_cast<std::size_t>(source.width));
  }
  return out;
}

// Pillow blends with black in float and truncates.
void brighten(double factor, image::Image& picture) {
  const auto times = static_cast<float>(factor);
  for (std::uint8_t& value : picture.pixels()) {
    value = static_cast<std::uint8_t>(std::clamp(static_cast<float>(value) * times, 0.0F, 255.0F));
  }
}

// Pixel centres at halves, around the middle of the picture.
image::Image rotated(double angle_deg, const image::Image& source) {
  const double angle = angle_deg * std::numbers::pi / 180;
  const double c = std::cos(angle), s = std::sin(angle);
  const double middle_x = source.width() / 2.0, middle_y = source.height() / 2.0;
  image::Image out(source.width(), source.height());
  for (int y = 0; y < out.height(); ++y) {
    for (int x = 0; x < out.width(); ++x) {
      const double u = x + 0.5 - middle_x, v = y + 0.5 - middle_y;
      const int from_x = static_cast<int>(std::floor(c * u - s * v + middle_x));
      const int from_y = static_cast<int>(std::floor(s * u + c * v + middle_y));
      const bool inside =
          from_x >= 0 && from_y >= 0 && from_x < source.width() && from_y < source.height();
      if (inside) std::memcpy(out.row(y) + 3 * x, source.row(from_y) + 3 * from_x, 3);
    }
  }
  return out;
}

image::Image cut(const image::Image& source, int left, int top, int width, int height) {
  return image::crop(source, {static_cast<float>(left), static_cast<float>(top),
                              static_cast<float>(width), static_cast<float>(height)});
}

image::Image square_of_shorter(const PictureView& view, const image::Image& source, int side) {
  const int width = source.width(), height = source.height();
  const auto longer = [side](int from, int other) {
    return static_cast<int>(std::int64_t{side} * from / other);
  };
  const int to_width = width <= height ? side : longer(width, height);
  const int to_height = width <= height ? longer(height, width) : side;
  const image::Image scaled =
      image::resize_u8(source, to_width, to_height, image::Filter::kBilinear);
  const int left = static_cast<int>(view.x * (to_width - side + 1));
  const int top = static_cast<int>(view.y * (to_height - side + 1));
  return cut(scaled, left, top, side, side);
}

void mirror(image::Image& picture) {
  for (int y = 0; y < picture.height(); ++y) {
    std::uint8_t* row = picture.row(y);
    for (int x = 0, end = picture.width() - 1; x < end; ++x, --end) {
      std::swap_ranges(row + 3 * x, row + 3 * x + 3, row + 3 * end);
    }
  }
}

}  // namespace

bool PictureViewOptions::any() const {
  return brightness > 0 || rotate_deg > 0 || crop_area < 1 || flip > 0;
}

void PictureViewOptions::register_options(OptionSet& set) {
  set.add("brightness", brightness, "Maximum change of brightness as a factor, in both directions",
          {0, 1});
  set.add("rotate_deg", rotate_deg, "Maximum rotation in degrees, in both directions", {0, 180});
  set.add("crop_area", crop_area, "Minimum share of the area that a random crop keeps; 1: no crop",
          {0.01, 1});
  set.add("ratio_min", ratio_min, "Minimum ratio of width to height of a crop", {0.1, 10});
  set.add("ratio_max", ratio_max, "Maximum ratio of width to height of a crop", {0.1, 10});
  set.add("flip", flip, "Probability of mirroring", {0, 1});
}

PictureViewOptions PictureViewOptions::bright_crop_flip() {
  return {.brightness = 0.5, .crop_area = 0.08, .flip = 0.5};
}

PictureView draw_picture_view(const PictureViewOptions& options, int width, int height, Rng& rng) {
  MIEN_CHECK(width > 0 && height > 0);
  PictureView out;
  out.brightness = rng.uniform(1 - options.brightness, 1 + options.brightness);
  out.angle_deg = rng.uniform(-options.rotate_deg, options.rotate_deg);
  const double area = static_cast<double>(width) * height;
  for (int i = 0; i < kTries; ++i) {
    const double part = area * rng.uniform(options.crop_area, 1);
    const double ratio = rng.uniform(options.ratio_min, options.ratio_max);
    int w = static_cast<int>(std::nearbyint(std::sqrt(part * ratio)));
    int h = static_cast<int>(std::nearbyint(std::sqrt(part / ratio)));
    if (rng.uniform() < 0.5) std::swap(w, h);
    const double x = rng.uniform(), y = rng.uniform();
    if (out.width > 0 || w < 1 || h < 1 || w > width || h > height) continue;
    out.width = w;
    out.height = h;
    out.left = static_cast<int>(x * (width - w + 1));
    out.top = static_cast<int>(y * (height - h + 1));
  }
  out.x = rng.uniform();
  out.y = rng.uniform();
  out.scale_shorter = options.crop_area < 1 && out.width == 0;
  if (options.crop_area >= 1) out.left = out.top = out.width = out.height = 0;
  out.flip = rng.uniform() < options.flip;
  return out;
}

image::Image picture_view(const PictureView& view, image::ImageView source, int side) {
  MIEN_CHECK(!source.empty() && side > 0);
  image::Image out = copy_of(source);
  if (view.brightness != 1) brighten(view.brightness, out);
  if (view.angle_deg != 0) out = rotated(view.angle_deg, out);
  if (view.width > 0) {
    out = image::resize_u8(cut(out, view.left, view.top, view.width, view.height), side, side,
                           image::Filter::kBilinear);
  } else if (view.scale_shorter) {
    out = square_of_shorter(view, out, side);
  }
  if (view.flip) mirror(out);
  return out;
}

}  // namespace mien::data
