#include "face/box_check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace mien::face {
namespace {

constexpr float kLeastInside = 0.5F;

std::string number(float value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.6g", static_cast<double>(value));
  return text;
}

}  // namespace

std::string to_text(const image::Box& box) {
  return number(box.x) + "," + number(box.y) + "," + number(box.w) + "," + number(box.h);
}

Status check_inside(const image::Box& box, int width, int height, std::string_view subject) {
  const auto part = [](float at, float size, int limit) {
    const float inside = std::min(at + size, static_cast<float>(limit)) - std::max(at, 0.0F);
    return std::max(0.0F, inside) / size;
  };
  const float inside = part(box.x, box.w, width) * part(box.y, box.h, height);
  if (inside >= kLeastInside) return {};  // also false for what is not a number
  return invalid_argument(
      std::string(subject) + ": " + to_text(box) + " lies " + (inside > 0 ? "mostly " : "") +
      "outside the picture (expected x,y,w,h in pixels, x from 0 to " + std::to_string(width) +
      " and y from 0 to " + std::to_string(height) + ")");
}

image::Box from_fraction(const image::Box& box, int width, int height) {
  const auto w = static_cast<float>(width);
  const auto h = static_cast<float>(height);
  return scaled(box, w, h);
}

Result<SearchArea> part_of(int width, int height, const std::optional<image::Box>& region) {
  if (!region || width <= 0 || height <= 0) return SearchArea{0, 0, width, height};
  const image::Box box = is_fraction(*region) ? from_fraction(*region, width, height) : *region;
  MIEN_RETURN_IF_ERROR(check_inside(box, width, height, "region"));
  const auto whole = [](float v, int limit) {
    return static_cast<int>(std::clamp(std::round(v), 0.0F, static_cast<float>(limit)));
  };
  const int left = whole(box.x, width);
  const int top = whole(box.y, height);
  return SearchArea{left, top, whole(box.x + box.w, width) - left,
                    whole(box.y + box.h, height) - top};
}

}  // namespace mien::face
