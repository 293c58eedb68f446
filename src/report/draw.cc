#include "mien/report/draw.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "report/band.h"
#include "report/canvas.h"
#include "report/layout.h"
#include "report/palette.h"
#include "report/panel.h"

namespace mien::report {
namespace {

constexpr int kSmallSide = 240;  // pictures with a shorter side below are enlarged
constexpr int kMaxZoom = 8;
constexpr double kSmallFace = 4.6;    // in font sizes: below, only the top label is told
constexpr double kMaxCovered = 0.06;  // a panel that covers more of others becomes a chip
constexpr double kOverlayAlpha = 0.74;
constexpr Colour kLandmark{255, 255, 255};

int zoom_of(int width, int height, bool enlarge) {
  const int side = std::min(width, height);
  if (!enlarge || side <= 0 || side >= kSmallSide) return 1;
  const int wished = std::min((kSmallSide + side - 1) / side, kMaxZoom);
  // A long thin picture is not made huge.
  return std::clamp(4096 / std::max(width, height), 1, wished);
}

DrawStyle checked(DrawStyle style) {
  style.top_labels = std::clamp(style.top_labels, 1, 10);
  style.timeline_rows = std::clamp(style.timeline_rows, 1, 12);
  style.scale = std::isfinite(style.scale) ? std::clamp(style.scale, 0.25, 4.0) : 1.0;
  return style;
}

// A face that fills the picture is told below it, so that nothing of it is hidden.
int band_for_whole(std::span<const engine::FaceResult> faces, const DrawStyle& style, int width,
                   int height) {
  if (faces.size() != 1 || faces[0].face.source != face::Source::kWhole) return 0;
  const Metrics m = Metrics::of(width, height, style.scale);
  const PanelContent content = PanelContent::of(faces[0], "", kGrey, style.top_labels);
  return static_cast<int>(bottom_panel(content, m, width, content.rows.size()).height);
}

// One face that shows, with what is told about it.
struct Item {
  const engine::FaceResult* face = nullptr;
  Rect box;
  PanelContent content;
};

class Drawing {
 public:
  Drawing(Canvas& canvas, const DrawStyle& style, int width, int height, int zoom)
      : canvas_(canvas),
        style_(style),
        metrics_(Metrics::of(width, height, style.scale)),
        bounds_{0, 0, static_cast<double>(width), static_cast<double>(height)},
        zoom_(zoom) {}

  /// `below`: height of the free band under the picture, for a face that is the whole picture.
  void draw(std::span<const engine::FaceResult> faces, int below) {
    canvas_below_ = below;
    collect(faces);
    for (const Item& item : items_) {
      if (item.face->face.source != face::Source::kWhole) {
        draw_box(canvas_, item.box, metrics_, item.content.colour);
      }
      if (style_.landmarks && item.face->face.landmarks5) draw_landmarks(item);
    }
    for (std::size_t i = 0; i < items_.size(); ++i) tell(i);
  }

 private:
  void collect(std::span<const engine::FaceResult> faces) {
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const engine::FaceResult& face = faces[i];
      const bool whole = face.face.source == face::Source::kWhole;
      const std::optional<Rect> box =
          whole ? bounds_
                : visible_box(face.face.box, zoom_, static_cast<int>(bounds_.w),
                              static_cast<int>(bounds_.h));
      if (!box) continue;
      const bool tracked = face.face.track >= 0;
      const std::int64_t number = tracked ? face.face.track : static_cast<std::int64_t>(i);
      const std::string id = tracked            ? std::to_string(number)
                             : faces.size() > 1 ? std::to_string(number + 1)
                                                : "";
      items_.push_back(
          {&face, *box, PanelContent::of(face, id, track_colour(number), style_.top_labels)});
    }
    // Large faces choose their place first.
    std::stable_sort(items_.begin(), items_.end(),
                     [](const Item& a, const Item& b) { return a.box.area() > b.box.area(); });
    for (const Item& item : items_) {
      boxes_.push_back(item.face->face.source == face::Source::kWhole ? Rect{} : item.box);
    }
  }

  void draw_landmarks(const Item& item) {
    const double radius = std::clamp(0.014 * std::sqrt(item.box.area()), 1.2, 0.3 * metrics_.font);
    for (const image::Point& p : *item.face->face.landmarks5) {
      if (!std::isfinite(p.x) || !std::isfinite(p.y)) continue;
      const double x = double{p.x} * zoom_;
      const double y = double{p.y} * zoom_;
      if (x < 0 || y < 0 || x > bounds_.w || y > bounds_.h) continue;
      canvas_.dot(x, y, radius + 1, Colour{16, 18, 24}, 0.6);
      canvas_.dot(x, y, radius, kLandmark, 0.95);
    }
  }

  void tell(std::size_t index) {
    const Item& item = items_[index];
    const PanelContent& content = item.content;
    if (content.rows.empty()) {
      draw_id(canvas_, item.box, content, metrics_);
      return;
    }
    if (item.face->face.source == face::Source::kWhole) {
      tell_whole(content);
      return;
    }
    const double margin = std::round(0.3 * metrics_.font);
    const double gap = std::round(0.35 * metrics_.font);
    const Rect inside{margin, margin, bounds_.w - 2 * margin, bounds_.h - 2 * margin};
    const double side = std::min(item.box.w, item.box.h);
    if (side >= kSmallFace * metrics_.font) {
      const Rect size = panel_size(canvas_, content, metrics_, inside.w);
      const Placement place = place_panel(size.w, size.h, gap, {inside, boxes_, index, panels_});
      if (place.covered <= kMaxCovered && size.h <= inside.h) {
        draw_id(canvas_, item.box, content, metrics_);
        draw_leader(canvas_, item.box, place.rect, metrics_, content.colour);
        draw_panel(canvas_, content, metrics_, place.rect);
        panels_.push_back(place.rect);
        return;
      }
    }
    Metrics small = metrics_;
    if (side < 3 * metrics_.font) small.font = std::max(9.5, 0.85 * metrics_.font);
    tell_in_short(index, small, inside);
  }

  // Below the picture when the canvas has room there, else over its bottom edge in one line.
  void tell_whole(const PanelContent& content) {
    const double below = canvas_below_;
    const BottomPanel form =
        bottom_panel(content, metrics_, bounds_.w, below > 0 ? content.rows.size() : 1);
    const double height = std::min(form.height, bounds_.h);
    const Rect place = below > 0 ? Rect{0, bounds_.h, bounds_.w, below}
                                 : Rect{0, bounds_.h - height, bounds_.w, height};
    draw_bottom_panel(canvas_, content, metrics_, form, place, below > 0 ? 1.0 : kOverlayAlpha);
    panels_.push_back(place);
  }

  // A chip that finds no free place gives up its percentage, then most of its label.
  void tell_in_short(std::size_t index, const Metrics& m, const Rect& inside) {
    PanelContent content = items_[index].content;
    Placement best;
    Rect size = chip_size(canvas_, content, m, inside.w);
    for (int attempt = 0; attempt < 3; ++attempt) {
      best = place_panel(size.w, size.h, 2, {inside, boxes_, index, panels_});
      if (best.covered <= kMaxCovered) break;
      content.rows.front().percent.clear();
      size = chip_size(canvas_, content, m,
                       attempt == 0 ? inside.w : std::min(inside.w, 5.5 * m.font));
    }
    draw_chip(canvas_, content, m, best.rect);
    panels_.push_back(best.rect);
  }

  Canvas& canvas_;
  const DrawStyle& style_;
  Metrics metrics_;
  Rect bounds_;
  int zoom_;
  double canvas_below_ = 0;
  std::vector<Item> items_;
  std::vector<Rect> boxes_;
  std::vector<Rect> panels_;
};

}  // namespace

struct Annotator::Impl {
  Fonts fonts;
  DrawStyle style;
  CanvasSurface surface;

  // Makes `surface` the given size, unless it has it.
  Status resize(int width, int height) {
    if (surface.width == width && surface.height == height) return {};
    MIEN_ASSIGN_OR_RETURN(surface, CanvasSurface::create(width, height));
    return {};
  }
};

Annotator::Annotator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Annotator::Annotator(Annotator&&) noexcept = default;
Annotator& Annotator::operator=(Annotator&&) noexcept = default;
Annotator::~Annotator() = default;

Result<Annotator> Annotator::create(const DrawStyle& style) {
  MIEN_ASSIGN_OR_RETURN(Fonts fonts, Fonts::load(style.font));
  return Annotator(std::make_unique<Impl>(Impl{std::move(fonts), checked(style), {}}));
}

Status Annotator::draw(image::Image& picture, std::span<const engine::FaceResult> faces) {
  if (picture.empty()) return invalid_argument("drawing: picture is empty (expected pixels)");
  const int zoom = zoom_of(picture.width(), picture.height(), impl_->style.enlarge_small);
  const int width = picture.width() * zoom;
  const int height = picture.height() * zoom;
  const int below = band_for_whole(faces, impl_->style, width, height);
  MIEN_RETURN_IF_ERROR(impl_->resize(width, height + below));
  Canvas canvas(impl_->surface, picture.view(), zoom, impl_->fonts);
  Drawing(canvas, impl_->style, width, height, zoom).draw(faces, below);
  return canvas.finish(picture);
}

Annotator::Size Annotator::clip_size(int width, int height) const {
  MIEN_CHECK(width > 0 && height > 0);
  const int zoom = zoom_of(width, height, impl_->style.enlarge_small);
  const Metrics m = Metrics::of(width * zoom, height * zoom, impl_->style.scale);
  const int out_width = std::max(2, width * zoom / 2 * 2);
  const int out_height = height * zoom + band_height(m, impl_->style.timeline_rows);
  return {out_width, out_height + out_height % 2};
}

Status Annotator::draw_frame(image::Image& frame, std::span<const engine::FaceResult> faces,
                             const ClipTimeline& timeline, std::int64_t now_us,
                             std::int64_t duration_us) {
  if (frame.empty()) return invalid_argument("drawing: frame is empty (expected pixels)");
  const int zoom = zoom_of(frame.width(), frame.height(), impl_->style.enlarge_small);
  const Size size = clip_size(frame.width(), frame.height());
  const int width = std::min(frame.width() * zoom, size.width);
  const int height = frame.height() * zoom;
  MIEN_RETURN_IF_ERROR(impl_->resize(size.width, size.height));
  Canvas canvas(impl_->surface, frame.view(), zoom, impl_->fonts);
  canvas.clip_to({0, 0, static_cast<double>(width), static_cast<double>(height)});
  Drawing(canvas, impl_->style, width, height, zoom).draw(faces, 0);
  canvas.unclip();
  const Rect band{0, static_cast<double>(height), static_cast<double>(size.width),
                  static_cast<double>(size.height - height)};
  const Metrics m = Metrics::of(width, height, impl_->style.scale);
  draw_band(canvas, band, m, timeline, {now_us, duration_us}, impl_->style.timeline_rows);
  return canvas.finish(frame);
}

Status annotate(image::Image& picture, std::span<const engine::FaceResult> faces,
                const DrawStyle& style) {
  MIEN_ASSIGN_OR_RETURN(Annotator annotator, Annotator::create(style));
  return annotator.draw(picture, faces);
}

}  // namespace mien::report
