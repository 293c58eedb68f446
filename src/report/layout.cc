#include "report/layout.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mien::report {
namespace {

// The part of a face that shows its expression.
Rect core_of(const Rect& face) {
  return {face.x + 0.12 * face.w, face.y + 0.15 * face.h, 0.76 * face.w, 0.75 * face.h};
}

struct Covered {
  double area = 0;
  double most = 0;  // share of a face or panel
};

Covered covered_by(const Rect& rect, const Obstacles& o) {
  Covered out;
  const auto add = [&](const Rect& other, double weight) {
    const double shared = shared_area(rect, other);
    if (shared <= 0) return;
    out.area += weight * shared;
    out.most = std::max(out.most, shared / std::min(other.area(), rect.area()));
  };
  for (std::size_t i = 0; i < o.faces.size(); ++i) {
    if (i != o.own) add(o.faces[i], 1);
  }
  for (const Rect& panel : o.panels) add(panel, 1.5);
  return out;
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

namespace {

// Compares candidate positions for one panel.
class Search {
 public:
  Search(const Rect& size, const Obstacles& o)
      : o_(o),
        face_(o.faces[o.own]),
        core_(core_of(face_)),
        area_(std::max(size.area(), 1.0)),
        half_(size.w + size.h) {}

  // `order`: among equally good positions the lowest wins.
  void consider(Rect rect, double order) {
    const Rect wished = rect;
    rect.x = std::clamp(rect.x, o_.bounds.x, std::max(o_.bounds.x, o_.bounds.right() - rect.w));
    rect.y = std::clamp(rect.y, o_.bounds.y, std::max(o_.bounds.y, o_.bounds.bottom() - rect.h));
    const Covered covered = covered_by(rect, o_);
    const double moved = std::abs(rect.x - wished.x) + std::abs(rect.y - wished.y);
    const double cost = 6 * covered.area + shared_area(rect, face_) + 3 * shared_area(rect, core_) +
                        area_ * (0.012 * order + 0.05 * moved / half_);
    if (cost >= lowest_) return;
    lowest_ = cost;
    best_ = {rect, covered.most, shared_area(rect, core_) / std::max(core_.area(), 1.0)};
  }

  const Placement& best() const { return best_; }

 private:
  const Obstacles& o_;
  Rect face_;
  Rect core_;
  double area_;
  double half_;
  Placement best_;
  double lowest_ = std::numeric_limits<double>::infinity();
};

// Candidate positions all around the face, on a grid.
void consider_around(const Rect& face, const Rect& size, double gap, double reach, Search& search) {
  const double step = std::max({3.0, size.h / 2, reach / 12});
  const double left = face.x - gap - size.w, right = face.right() + gap;
  const double top = face.y - gap - size.h, bottom = face.bottom() + gap;
  for (double y = top - reach; y <= bottom + reach; y += step) {
    for (double x = left - reach; x <= right + reach; x += step) {
      const double away_x = std::max({0.0, left - x, x - right});
      const double away_y = std::max({0.0, top - y, y - bottom});
      search.consider({x, y, size.w, size.h}, 17 + 12 * (away_x + away_y) / step);
    }
  }
}

}  // namespace

Placement place_panel(double width, double height, double gap, double reach, const Obstacles& o) {
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
  const Rect size{0, 0, width, height};
  Search search(size, o);
  double order = 0;
  for (const Rect& rect : candidates) search.consider(rect, order++);
  const Placement& best = search.best();
  if (reach > 0 && (best.covered > 0 || best.own > 0)) {
    consider_around(face, size, gap, reach, search);
  }
  return best;
}

}  // namespace mien::report
