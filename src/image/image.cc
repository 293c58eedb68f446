#include "mien/image/image.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace mien::image {
namespace {

constexpr double kMaxCropSide = 16'384;
constexpr double kMaxCropPixels = 64'000'000;

}  // namespace

Image::Image(int width, int height) : width_(width), height_(height) {
  MIEN_CHECK(width >= 0 && height >= 0);
  pixels_.resize(width_u() * static_cast<std::size_t>(height) * 3U);
}

float iou(const Box& a, const Box& b) {
  const float w = std::min(a.x + a.w, b.x + b.w) - std::max(a.x, b.x);
  const float h = std::min(a.y + a.h, b.y + b.h) - std::max(a.y, b.y);
  if (!(w > 0 && h > 0)) return 0;
  const float common = w * h;
  const float all = a.area() + b.area() - common;
  return all > 0 ? std::clamp(common / all, 0.0F, 1.0F) : 0;
}

Image crop(ImageView source, const Box& box) {
  const double left = std::floor(double{box.x} + 0.5);
  const double top = std::floor(double{box.y} + 0.5);
  const double width = std::floor(double{box.x} + double{box.w} + 0.5) - left;
  const double height = std::floor(double{box.y} + double{box.h} + 0.5) - top;
  // Written so that NaN fails as well.
  const bool usable = width >= 1 && height >= 1 && width <= kMaxCropSide &&
                      height <= kMaxCropSide && width * height <= kMaxCropPixels;
  if (!usable) return {};
  Image out(static_cast<int>(width), static_cast<int>(height));
  const double x0 = std::max(left, 0.0);
  const double x1 = std::min(left + width, static_cast<double>(source.width));
  const double y0 = std::max(top, 0.0);
  const double y1 = std::min(top + height, static_cast<double>(source.height));
  if (!(x0 < x1 && y0 < y1)) return out;
  const auto bytes = static_cast<std::size_t>(x1 - x0) * 3U;
  for (int y = static_cast<int>(y0); y < static_cast<int>(y1); ++y) {
    std::memcpy(
        out.row(y - static_cast<int>(top)) + std::ptrdiff_t{3} * static_cast<int>(x0 - left),
        source.row(y) + std::ptrdiff_t{3} * static_cast<int>(x0), bytes);
  }
  return out;
}

}  // namespace mien::image
