#include "report/drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "report/palette.h"

namespace mien::report {
namespace {

constexpr double kSmallFace = 4.6;    // in font sizes: below this, only the top label is shown
constexpr double kMaxCovered = 0.02;  // of another face or panel
constexpr double kMaxOwn = 0.12;      // of the middle of its own face, by a chip
constexpr double kBottomAlpha = 0.74;
constexpr double kReach = 2.2;  // maximum distance of a panel from its face, in sides of the face
constexpr double kListShare = 0.6;  // of the picture's height, at most
constexpr Colour kLandmark{255, 255, 255};
constexpr Colour kBackdrop{16, 18, 24};
constexpr Colour kListInk{255, 255, 255};

bool is_whole(const engine::FaceResult& face) {
  return face.face.source == face::FaceSource::kWhole;
}

}  // namespace

std::vector<std::string> label_names(std::span<const engine::FaceResult> faces) {
  std::vector<std::string> out;
  for (const engine::FaceResult& face : faces) {
    if (face.labels.empty()) continue;
    for (const engine::LabelScore& score : face.labels) out.push_back(score.label);
    break;
  }
  return out;
}

Drawing::Drawing(Canvas& canvas, const DrawStyle& style, const Frame& frame,
                 std::span<const engine::FaceResult> faces, PeopleColours& people,
                 const LabelColours& labels)
    : style_(style),
      frame_(frame),
      metrics_(Metrics::of(frame.width, frame.height, style.scale)),
      bounds_{0, 0, static_cast<double>(frame.width), static_cast<double>(frame.height)} {
  collect(faces, people, labels);
  for (std::size_t i = 0; i < items_.size(); ++i) tell(canvas, i);
  make_list(canvas);
}

void Drawing::collect(std::span<const engine::FaceResult> faces, PeopleColours& people,
                      const LabelColours& labels) {
  std::vector<std::int64_t> numbers;
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const std::optional<Rect> box = is_whole(faces[i]) ? bounds_
                                                       : visible_box(faces[i].face.box, frame_.zoom,
                                                                     frame_.width, frame_.height);
    if (!box) continue;
    const std::int64_t track = faces[i].face.track;
    numbers.push_back(track >= 0 ? track : static_cast<std::int64_t>(i));
    indices.push_back(i);
    boxes_.push_back(*box);
  }
  people.see(numbers, boxes_);
  for (std::size_t k = 0; k < indices.size(); ++k) {
    const engine::FaceResult& face = faces[indices[k]];
    const bool tracked = face.face.track >= 0;
    const std::string id = tracked            ? std::to_string(numbers[k])
                           : faces.size() > 1 ? std::to_string(numbers[k] + 1)
                                              : "";
    items_.push_back(
        {&face, boxes_[k],
         PanelContent::of(face, id, people.of(numbers[k]), labels, style_.top_labels)});
  }
  // Large faces choose their position first.
  std::stable_sort(items_.begin(), items_.end(),
                   [](const Item& a, const Item& b) { return a.box.area() > b.box.area(); });
  boxes_.clear();
  for (const Item& item : items_) boxes_.push_back(is_whole(*item.face) ? Rect{} : item.box);
}

Rect Drawing::inside() const {
  const double margin = std::round(0.3 * metrics_.font);
  return {margin, margin, bounds_.w - 2 * margin, bounds_.h - 2 * margin};
}

Metrics Drawing::metrics_of(const Item& item) const {
  Metrics out = metrics_;
  if (std::min(item.box.w, item.box.h) < 3 * metrics_.font) {
    out.font = std::max(9.5, 0.85 * metrics_.font);
  }
  return out;
}

void Drawing::tell(Canvas& canvas, std::size_t index) {
  Item& item = items_[index];
  item.metrics = metrics_;
  if (item.content.rows.empty()) return;
  const bool alone = items_.size() == 1;
  if (is_whole(*item.face)) {
    tell_whole(item);
  } else if (!try_panel(canvas, index)) {
    // A face that leaves no room beside it gets its panel below the picture, so that nothing is
    // hidden.
    const double side = std::min(item.box.w, item.box.h);
    if (alone && frame_.grows && side >= kSmallFace * metrics_.font) {
      tell_whole(item);
    } else if (!try_chip(canvas, index, item.content.id.empty())) {
      place_number(canvas, index);
    }
  }
}

bool Drawing::try_panel(Canvas& canvas, std::size_t index) {
  Item& item = items_[index];
  const double side = std::min(item.box.w, item.box.h);
  if (side < kSmallFace * metrics_.font) return false;
  const double gap = std::round(0.35 * metrics_.font);
  const Rect size = panel_size(canvas, item.content, metrics_, inside().w);
  const Placement spot = place_panel(size.w, size.h, gap, side, {inside(), boxes_, index, panels_});
  if (spot.covered > kMaxCovered || spot.own > 0 || size.h > inside().h) return false;
  item.form = Form::kPanel;
  item.spot = spot.rect;
  panels_.push_back(spot.rect);
  return true;
}

// A chip without a free position drops its percentage, then most of its label. `force`: it takes
// the best position available.
bool Drawing::try_chip(Canvas& canvas, std::size_t index, bool force) {
  Item& item = items_[index];
  const Metrics m = metrics_of(item);
  const double side = std::max(std::min(item.box.w, item.box.h), 2 * m.font);
  PanelContent content = item.content;
  Placement best;
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (attempt > 0) content.rows.front().percent.clear();
    const double most = attempt < 2 ? inside().w : std::min(inside().w, 5.5 * m.font);
    const Rect size = chip_size(canvas, content, m, most);
    best = place_panel(size.w, size.h, 2, kReach * side, {inside(), boxes_, index, panels_});
    if (best.covered <= kMaxCovered && best.own <= kMaxOwn) break;
    if (attempt == 2 && !force) return false;
  }
  item.form = Form::kChip;
  item.metrics = m;
  item.content = std::move(content);
  item.spot = best.rect;
  panels_.push_back(best.rect);
  return true;
}

void Drawing::place_number(Canvas& canvas, std::size_t index) {
  Item& item = items_[index];
  item.form = Form::kNumber;
  item.metrics = metrics_of(item);
  const Rect size = number_size(canvas, item.content, item.metrics);
  // Draws the number in the corner of its box, unless the box is too small.
  item.spot = size.w <= 0.5 * item.box.w && size.h <= 0.5 * item.box.h
                  ? Rect{item.box.x, item.box.y, size.w, size.h}
                  : place_panel(size.w, size.h, 0, 0, {inside(), boxes_, index, panels_}).rect;
  panels_.push_back(item.spot);
  if (frame_.grows) list_.items.push_back(index);
}

void Drawing::tell_whole(Item& item) {
  item.form = Form::kWhole;
  if (frame_.grows && items_.size() == 1) {
    whole_ = bottom_panel(item.content, metrics_, bounds_.w, item.content.rows.size());
    item.spot = {0, bounds_.h, bounds_.w, whole_.height};
    return;
  }
  // Draws one line over the bottom edge.
  const double height =
      std::min(bottom_panel(item.content, metrics_, bounds_.w, 1).height, bounds_.h);
  item.spot = {0, bounds_.h - height, bounds_.w, height};
  panels_.push_back(item.spot);
}

void Drawing::make_list(Canvas& canvas) {
  if (list_.items.empty()) return;
  // Ordered by their numbers.
  std::sort(list_.items.begin(), list_.items.end(),
            [&](std::size_t a, std::size_t b) { return items_[a].face < items_[b].face; });
  const double room = bounds_.w - 2 * metrics_.pad();
  for (const std::size_t i : list_.items) {
    const Rect size = chip_size(canvas, items_[i].content, metrics_, room);
    list_.cell = std::max(list_.cell, size.w + metrics_.font);
  }
  list_.columns = static_cast<std::size_t>(std::max(1.0, room / list_.cell));
  const auto lines = (list_.items.size() + list_.columns - 1) / list_.columns;
  const auto most =
      static_cast<std::size_t>(std::max(1.0, kListShare * bounds_.h / metrics_.row()));
  list_.shown = std::min(list_.items.size(), std::min(lines, most) * list_.columns);
  list_.height =
      std::ceil(static_cast<double>(std::min(lines, most)) * metrics_.row() + 2 * metrics_.pad());
}

void Drawing::paint_landmarks(Canvas& canvas, const Item& item) const {
  const double radius = std::clamp(0.014 * std::sqrt(item.box.area()), 1.2, 0.3 * metrics_.font);
  for (const image::Point& p : *item.face->face.landmarks5) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y)) continue;
    const double x = double{p.x} * frame_.zoom;
    const double y = double{p.y} * frame_.zoom;
    if (x < 0 || y < 0 || x > bounds_.w || y > bounds_.h) continue;
    canvas.dot(x, y, radius + 1, kBackdrop, 0.6);
    canvas.dot(x, y, radius, kLandmark, 0.95);
  }
}

void Drawing::paint_list(Canvas& canvas) const {
  const Rect spot{0, bounds_.h, bounds_.w, list_.height};
  canvas.clip_to(spot);
  canvas.fill(spot, 0, kBackdrop, 1.0);
  for (std::size_t k = 0; k < list_.shown; ++k) {
    const auto column = static_cast<double>(k % list_.columns);
    const auto line = static_cast<double>(k / list_.columns);
    const double x = metrics_.pad() + column * list_.cell;
    const double y = bounds_.h + metrics_.pad() + line * metrics_.row();
    const std::size_t left = list_.items.size() - list_.shown;
    if (k + 1 == list_.shown && left > 0) {
      canvas.text(fmt::format("+{}", left + 1), x, y + metrics_.row() / 2, metrics_.strong(),
                  list_.cell, kListInk);
      break;
    }
    const PanelContent& content = items_[list_.items[k]].content;
    const Rect size = chip_size(canvas, content, metrics_, list_.cell);
    draw_chip(canvas, content, metrics_, {x, y, size.w, size.h});
  }
  canvas.unclip();
}

void Drawing::paint(Canvas& canvas) const {
  for (const Item& item : items_) {
    if (!is_whole(*item.face)) draw_box(canvas, item.box, item.metrics, item.content.colour);
    if (style_.landmarks && item.face->face.landmarks5) paint_landmarks(canvas, item);
  }
  for (const Item& item : items_) {
    const PanelContent& content = item.content;
    switch (item.form) {
      case Form::kBox: draw_id(canvas, item.box, content, item.metrics); break;
      case Form::kNumber: draw_number(canvas, content, item.metrics, item.spot); break;
      case Form::kPanel:
        draw_id(canvas, item.box, content, item.metrics);
        draw_leader(canvas, item.box, item.spot, item.metrics, content.colour);
        draw_panel(canvas, content, item.metrics, item.spot);
        break;
      case Form::kChip:
        draw_leader(canvas, item.box, item.spot, item.metrics, content.colour);
        draw_chip(canvas, content, item.metrics, item.spot);
        break;
      case Form::kWhole: {
        const bool below = item.spot.y >= bounds_.h;
        const BottomPanel form = below ? whole_ : bottom_panel(content, item.metrics, bounds_.w, 1);
        draw_bottom_panel(canvas, content, item.metrics, form, item.spot,
                          below ? 1.0 : kBottomAlpha);
        break;
      }
    }
  }
  if (list_.height > 0) paint_list(canvas);
}

}  // namespace mien::report
