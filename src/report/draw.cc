#include "mien/report/draw.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "report/band.h"
#include "report/canvas.h"
#include "report/drawing.h"
#include "report/label_colours.h"
#include "report/people_colours.h"

namespace mien::report {
namespace {

constexpr int kSmallSide = 240;  // pictures with a shorter side below are enlarged
constexpr int kMaxZoom = 8;

int zoom_of(int width, int height, bool enlarge) {
  const int side = std::min(width, height);
  if (!enlarge || side <= 0 || side >= kSmallSide) return 1;
  const int wished = std::min((kSmallSide + side - 1) / side, kMaxZoom);
  // Limits the zoom of long thin pictures.
  return std::clamp(4096 / std::max(width, height), 1, wished);
}

DrawStyle checked(DrawStyle style) {
  style.top_labels = std::clamp(style.top_labels, 1, 10);
  style.timeline_rows = std::clamp(style.timeline_rows, 1, 12);
  style.scale = std::isfinite(style.scale) ? std::clamp(style.scale, 0.25, 4.0) : 1.0;
  return style;
}

}  // namespace

struct Annotator::Impl {
  Fonts fonts;
  DrawStyle style;
  CanvasSurface surface = {};
  LabelColours colours = {};
  std::vector<std::string> labels = {};  // of `colours`
  PeopleColours people = {};             // of a clip

  const LabelColours& colours_of(const std::vector<std::string>& names) {
    if (names != labels) {
      colours = LabelColours(names);
      labels = names;
    }
    return colours;
  }

  // Gives `surface` this size.
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
  return Annotator(std::make_unique<Impl>(Impl{std::move(fonts), checked(style)}));
}

Status Annotator::draw(image::Image& picture, std::span<const engine::FaceResult> faces) {
  if (picture.empty()) return invalid_argument("drawing: empty picture (expected pixels)");
  const int zoom = zoom_of(picture.width(), picture.height(), impl_->style.enlarge_small);
  const int width = picture.width() * zoom;
  const int height = picture.height() * zoom;
  MIEN_RETURN_IF_ERROR(impl_->resize(width, height));
  PeopleColours people;
  Canvas planned(impl_->surface, picture.view(), 1, impl_->fonts);
  std::vector<std::string> names = label_names(faces);
  std::sort(names.begin(), names.end());
  const Drawing drawing(planned, impl_->style, {width, height, zoom, true}, faces, people,
                        impl_->colours_of(names));
  MIEN_RETURN_IF_ERROR(impl_->resize(width, height + drawing.below()));
  Canvas canvas(impl_->surface, picture.view(), zoom, impl_->fonts);
  drawing.paint(canvas);
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
                             const ClipTimeline& timeline, const FrameTime& time) {
  if (frame.empty()) return invalid_argument("drawing: empty frame (expected pixels)");
  const int zoom = zoom_of(frame.width(), frame.height(), impl_->style.enlarge_small);
  const Size size = clip_size(frame.width(), frame.height());
  const int width = std::min(frame.width() * zoom, size.width);
  const int height = frame.height() * zoom;
  MIEN_RETURN_IF_ERROR(impl_->resize(size.width, size.height));
  Canvas canvas(impl_->surface, frame.view(), zoom, impl_->fonts);
  canvas.clip_to({0, 0, static_cast<double>(width), static_cast<double>(height)});
  std::vector<std::string> names = timeline.label_set();
  if (names.empty()) names = label_names(faces);
  std::sort(names.begin(), names.end());
  const LabelColours& colours = impl_->colours_of(names);
  Drawing(canvas, impl_->style, {width, height, zoom, false}, faces, impl_->people, colours)
      .paint(canvas);
  canvas.unclip();
  const Rect band{0, static_cast<double>(height), static_cast<double>(size.width),
                  static_cast<double>(size.height - height)};
  const Metrics m = Metrics::of(width, height, impl_->style.scale);
  draw_band(canvas, band, m, timeline, time, {impl_->style.timeline_rows, colours, impl_->people});
  return canvas.finish(frame);
}

Status annotate(image::Image& picture, std::span<const engine::FaceResult> faces,
                const DrawStyle& style) {
  MIEN_ASSIGN_OR_RETURN(Annotator annotator, Annotator::create(style));
  return annotator.draw(picture, faces);
}

}  // namespace mien::report
