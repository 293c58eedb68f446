#include "report/layout.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mien::report {
namespace {

// The part of a face that tells its expression.
Rect core_of(const Rect& face) {
  return {face.x + 0.12 * face.w, face.y + 0.15 * face.h, 0.76 * face.w, 0.75 * face.h};
}

double covered_by_others(const Rect& rect, const Obstacles& o) {
  double covered = 0;
  for (std::size_t i = 0; i < o.faces.size(); ++i) {
    // A face inside a larger one (the same person found twice) is not kept clear of.
    if (i != o.own) covered += shared_area(rect, o.faces[i]);
  }
  for (const Rect& panel : o.panels) covered += 1.5 * shared_area(rect, panel);
  return covered;
}

}  // namespace

std::optional<Rect> visible_box(const image::Box& box, int zoom, int width, int height) {
  const double values[] = {box.x, box.y, box.w, box.h};
  for (const double v : values) {
    if (!std::isfinite(v)) return std::nullopt;
  }
  const double x0 = std::clamp<double>(values[0] * zoom, 0, width);
  const double y0 = std::clamp<double>(values[1] * zoom, 0, height);
  const double x1 = std::clamp<double>((values[0] + values[2]) * zoom, 0, width);
  const double y1 = std::clamp<double>((values[1] + values[3]) * zoom, 0, height);
  if (x1 - x0 < 1 || y1 - y0 < 1) return std::nullopt;
  return Rect{x0, y0, x1 - x0, y1 - y0};
}

Placement place_panel(double width, double height, double gap, const Obstacles& o) {
  const Rect& face = o.faces[o.own];
  const double left = face.x - gap - width;
  const double right = face.right() + gap;
  const double above = face.y - gap - height;
  const double below = face.bottom() + gap;
  const double centre = face.x + (face.w - width) / 2;
  const double middle = face.y + (face.h - height) / 2;
  const double low = face.bottom() - height;
  const double end = face.right() - width;
  const Rect candidates[] = {{right, face.y, width, height},     {left, face.y, width, height},
                             {face.x, below, width, height},     {face.x, above, width, height},
                             {centre, below, width, height},     {centre, above, width, height},
                             {end, below, width, height},        {end, above, width, height},
                             {right, middle, width, height},     {left, middle, width, height},
                             {right, low, width, height},        {left, low, width, height},
                             {centre, low - gap, width, height}, {right, below, width, height},
                             {left, below, width, height},       {right, above, width, height},
                             {left, above, width, height}};
  const Rect core = core_of(face);
  const double area = std::max(width * height, 1.0);
  Placement best;
  double lowest = std::numeric_limits<double>::infinity();
  double order = 0;
  for (Rect rect : candidates) {
    const Rect wished = rect;
    rect.x = std::clamp(rect.x, o.bounds.x, std::max(o.bounds.x, o.bounds.right() - width));
    rect.y = std::clamp(rect.y, o.bounds.y, std::max(o.bounds.y, o.bounds.bottom() - height));
    const double covered = covered_by_others(rect, o);
    const double moved = std::abs(rect.x - wished.x) + std::abs(rect.y - wished.y);
    const double cost = 6 * covered + shared_area(rect, face) + 3 * shared_area(rect, core) +
                        area * (0.012 * order + 0.05 * moved / (width + height));
    order += 1;
    if (cost < lowest) {
      lowest = cost;
      best = {rect, covered / area};
    }
  }
  return best;
}

}  // namespace mien::report
