#include "methods/face_detector/paste.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "image/resize.h"

namespace mien::methods {
namespace {

constexpr float kShrinkBelow = 0.9F;

std::uint8_t byte_of(float value) {
  return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F) + 0.5F);
}

// 0 outside, 1 from `fade` inside on, smooth between; `r` is 1 at the border.
float faded(float r, float fade) {
  const float t = std::clamp((1 - r) / std::max(fade, 1e-3F), 0.0F, 1.0F);
  return t * t * (3 - 2 * t);
}

struct Rgb {
  std::array<float, 3> at{};
};

Rgb bilinear(image::ImageView picture, float x, float y) {
  x = std::clamp(x - 0.5F, 0.0F, static_cast<float>(picture.width - 1));
  y = std::clamp(y - 0.5F, 0.0F, static_cast<float>(picture.height - 1));
  const int left = static_cast<int>(x), top = static_cast<int>(y);
  const int right = std::min(left + 1, picture.width - 1);
  const float u = x - static_cast<float>(left), v = y - static_cast<float>(top);
  const std::uint8_t* above = picture.row(top);
  const std::uint8_t* below = picture.row(std::min(top + 1, picture.height - 1));
  Rgb out;
  for (std::size_t c = 0; c < 3; ++c) {
    const auto l = 3 * static_cast<std::size_t>(left) + c;
    const auto r = 3 * static_cast<std::size_t>(right) + c;
    const float high = static_cast<float>(above[l]) * (1 - u) + static_cast<float>(above[r]) * u;
    const float low = static_cast<float>(below[l]) * (1 - u) + static_cast<float>(below[r]) * u;
    out.at[c] = high * (1 - v) + low * v;
  }
  return out;
}

// The same pasting of a picture that was resized.
Pasting rescaled(Pasting pasting, float x, float y) {
  // One factor for both sides: they differ by the rounding of a pixel.
  const float mean = std::sqrt(x * y);
  const auto scaled = [&](image::Point p) { return image::Point{p.x * x, p.y * y}; };
  pasting.placing.from = scaled(pasting.placing.from);
  pasting.placing.scale /= mean;
  pasting.mask.centre = scaled(pasting.mask.centre);
  pasting.mask.half_width *= x;
  pasting.mask.half_height *= y;
  return pasting;
}

}  // namespace

image::Point Placing::apply(image::Point point) const {
  const float x = (point.x - from.x) * (mirror ? -scale : scale), y = (point.y - from.y) * scale;
  const float c = std::cos(turn), s = std::sin(turn);
  return {to.x + c * x - s * y, to.y + s * x + c * y};
}

image::Point Placing::inverse(image::Point point) const {
  const float x = point.x - to.x, y = point.y - to.y;
  const float c = std::cos(turn), s = std::sin(turn);
  const float u = (c * x + s * y) / scale, v = (c * y - s * x) / scale;
  return {from.x + (mirror ? -u : u), from.y + v};
}

face::Detection placed(const face::Detection& face, const Placing& placing) {
  face::Detection out = face;
  const image::Point centre =
      placing.apply({face.box.x + face.box.w / 2, face.box.y + face.box.h / 2});
  const float a = face.box.w / 2 * placing.scale, b = face.box.h / 2 * placing.scale;
  const float c = std::cos(placing.turn), s = std::sin(placing.turn);
  const float half_width = std::sqrt(a * a * c * c + b * b * s * s);
  const float half_height = std::sqrt(a * a * s * s + b * b * c * c);
  out.box = {centre.x - half_width, centre.y - half_height, 2 * half_width, 2 * half_height};
  if (!out.points) return out;
  for (image::Point& point : *out.points) point = placing.apply(point);
  if (placing.mirror) {
    std::swap((*out.points)[0], (*out.points)[1]);
    std::swap((*out.points)[3], (*out.points)[4]);
  }
  return out;
}

float PasteMask::at(image::Point point, int width, int height) const {
  const float dx = std::abs(point.x - centre.x) / half_width;
  const float dy = std::abs(point.y - centre.y) / half_height;
  const float shape = faded(ellipse ? std::sqrt(dx * dx + dy * dy) : std::max(dx, dy), fade);
  if (shape <= 0) return 0;
  const auto w = static_cast<float>(width), h = static_cast<float>(height);
  const float edge = std::max(std::abs(2 * point.x / w - 1), std::abs(2 * point.y / h - 1));
  return shape * faded(edge, fade);
}

ColourTable draw_colours(bool grey_source, Rng& rng) {
  const auto between = [&](double low, double high) {
    return static_cast<float>(rng.uniform(low, high));
  };
  const float contrast = between(0.5, 1.25), middle = between(70, 165);
  // Skin of any tone is reddest in its middle tones; highlights have the colour of the light.
  std::array<float, 3> gains = {between(1.05, 1.4), between(0.85, 1.02), between(0.55, 0.95)};
  if (!grey_source) gains = {between(0.85, 1.15), between(0.9, 1.1), between(0.85, 1.15)};
  const float mean = 0.299F * gains[0] + 0.587F * gains[1] + 0.114F * gains[2];
  const float to_white = grey_source ? between(0.2, 0.9) : 0;
  const float plain = rng.uniform() < 0.15 ? 1.0F : 0.0F;  // some stay grey in a coloured picture
  ColourTable out{};
  for (std::size_t c = 0; c < 3; ++c) {
    for (int v = 0; v < 256; ++v) {
      const float value = (static_cast<float>(v) - 128) * contrast + middle;
      const float light = std::clamp(static_cast<float>(v) / 255, 0.0F, 1.0F);
      float gain = gains[c] / mean;
      gain += (1 - gain) * std::max(plain, to_white * light * light);
      out[c][static_cast<std::size_t>(v)] = byte_of(value * gain);
    }
  }
  return out;
}

image::Box pasted_bounds(const Pasting& pasting) {
  const PasteMask& mask = pasting.mask;
  const auto corner = [&](float x, float y) {
    return pasting.placing.apply(
        {mask.centre.x + x * mask.half_width, mask.centre.y + y * mask.half_height});
  };
  const std::array<image::Point, 4> corners = {corner(-1, -1), corner(1, -1), corner(-1, 1),
                                               corner(1, 1)};
  image::Point low = corners[0], high = corners[0];
  for (const image::Point& p : corners) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y)};
  }
  return {low.x, low.y, high.x - low.x, high.y - low.y};
}

void paste(image::ImageView source, const Pasting& wanted, image::Image& canvas) {
  Pasting pasting = wanted;
  image::Image smaller;
  if (wanted.placing.scale < kShrinkBelow) {
    const auto sized = [&](int side) {
      return std::max(
          1, static_cast<int>(std::lround(static_cast<float>(side) * wanted.placing.scale)));
    };
    const int width = sized(source.width), height = sized(source.height);
    smaller = image::resize_u8(source, width, height, image::Filter::kBilinear);
    pasting = rescaled(wanted, static_cast<float>(width) / static_cast<float>(source.width),
                       static_cast<float>(height) / static_cast<float>(source.height));
    source = smaller;
  }
  const image::Box bounds = pasted_bounds(pasting);
  const auto clipped = [](float value, int most) {
    return static_cast<int>(std::clamp(value, 0.0F, static_cast<float>(most)));
  };
  const int left = clipped(std::floor(bounds.x), canvas.width());
  const int right = clipped(std::ceil(bounds.x + bounds.w), canvas.width());
  const int top = clipped(std::floor(bounds.y), canvas.height());
  const int bottom = clipped(std::ceil(bounds.y + bounds.h), canvas.height());
  // Along a line the place in the source moves by the same step.
  const image::Point origin = pasting.placing.inverse({0, 0});
  const image::Point next = pasting.placing.inverse({1, 0});
  const float step_x = next.x - origin.x, step_y = next.y - origin.y;
  const PasteMask& mask = pasting.mask;
  for (int y = top; y < bottom; ++y) {
    std::uint8_t* row = canvas.row(y);
    image::Point p =
        pasting.placing.inverse({static_cast<float>(left) + 0.5F, static_cast<float>(y) + 0.5F});
    for (int x = left; x < right; ++x, p.x += step_x, p.y += step_y) {
      const float share = mask.at(p, source.width, source.height);
      if (share <= 0) continue;
      const float light =
          1 + pasting.light.dx * std::clamp((p.x - mask.centre.x) / mask.half_width, -1.0F, 1.0F) +
          pasting.light.dy * std::clamp((p.y - mask.centre.y) / mask.half_height, -1.0F, 1.0F);
      const Rgb colour = bilinear(source, p.x, p.y);
      for (std::size_t c = 0; c < 3; ++c) {
        const float value =
            static_cast<float>(
                pasting.colours[c][static_cast<std::size_t>(byte_of(colour.at[c]))]) *
            light;
        std::uint8_t& to = row[3 * static_cast<std::size_t>(x) + c];
        to =
            byte_of(static_cast<float>(to) * (1 - share) + std::clamp(value, 0.0F, 255.0F) * share);
      }
    }
  }
}

bool is_grey(image::ImageView picture) {
  constexpr int kSteps = 16, kSame = 8;
  for (int y = 0; y < kSteps; ++y) {
    const std::uint8_t* row = picture.row(y * picture.height / kSteps);
    for (int x = 0; x < kSteps; ++x) {
      const std::uint8_t* p = row + 3 * (x * picture.width / kSteps);
      if (std::abs(p[0] - p[1]) > kSame || std::abs(p[1] - p[2]) > kSame) return false;
    }
  }
  return true;
}

}  // namespace mien::methods
