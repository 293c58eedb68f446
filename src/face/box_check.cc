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
      "outside of the picture (expected x,y,w,h in pixels, x from 0 to " + std::to_string(width) +
      " and y from 0 to " + std::to_string(height) + ")");
}

image::Box from_fraction(const image::Box& box, int width, int height) {
  const auto w = static_cast<float>(width);
  const auto h = static_cast<float>(height);
  return {box.x * w, box.y * h, box.w * w, box.h * h};
}

}  // namespace mien::face
