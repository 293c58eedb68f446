#include "report/canvas.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <utility>

// Fontconfig keeps its configuration until the process ends, in a form in which the leak checker
// cannot see that it is still reachable. Only read by programs built with a sanitizer.
extern "C" __attribute__((weak, visibility("default"))) const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }

namespace mien::report {
namespace {

constexpr int kMaxSide = 32'767;  // of cairo's image surfaces

// Conversion between packed RGB and the 32-bit pixels of a surface.
void copy_row_in(const std::uint8_t* from, int columns, unsigned char* to) {
  for (int x = 0; x < columns; ++x) {
    const std::uint32_t pixel = 0xFF000000U | std::uint32_t{from[3 * x]} << 16 |
                                std::uint32_t{from[3 * x + 1]} << 8 | from[3 * x + 2];
    std::memcpy(to + std::ptrdiff_t{4} * x, &pixel, 4);
  }
}

void copy_row_out(const unsigned char* from, int columns, std::uint8_t* to) {
  for (int x = 0; x < columns; ++x) {
    std::uint32_t pixel = 0;
    std::memcpy(&pixel, from + std::ptrdiff_t{4} * x, 4);
    to[3 * x] = static_cast<std::uint8_t>(pixel >> 16);
    to[3 * x + 1] = static_cast<std::uint8_t>(pixel >> 8);
    to[3 * x + 2] = static_cast<std::uint8_t>(pixel);
  }
}

}  // namespace

double shared_area(const Rect& a, const Rect& b) {
  const double w = std::min(a.right(), b.right()) - std::max(a.x, b.x);
  const double h = std::min(a.bottom(), b.bottom()) - std::max(a.y, b.y);
  return w > 0 && h > 0 ? w * h : 0;
}

Result<Fonts> Fonts::load(const std::string& family) {
  Fonts fonts;
  fonts.family_ = family;
  // Uses the process's default configuration: Pango 1.50 never frees one that is set on a map.
  fonts.map_.reset(pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT));
  if (!fonts.map_) return internal_error("fonts: cairo has no FreeType fonts");
  // Sizes below are in pixels.
  pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(fonts.map_.get()), 72.0);
  fonts.context_.reset(pango_font_map_create_context(fonts.map_.get()));
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  pango_cairo_context_set_font_options(fonts.context_.get(), options);
  cairo_font_options_destroy(options);
  fonts.layout_.reset(pango_layout_new(fonts.context_.get()));
  pango_layout_set_single_paragraph_mode(fonts.layout_.get(), TRUE);
  pango_layout_set_ellipsize(fonts.layout_.get(), PANGO_ELLIPSIZE_END);
  return fonts;
}

PangoLayout* Fonts::line(const std::string& text, const Style& style, double max_width) {
  Handle<PangoFontDescription> font(pango_font_description_new());
  pango_font_description_set_family(font.get(), family_.c_str());
  pango_font_description_set_weight(font.get(),
                                    style.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_font_description_set_absolute_size(font.get(), style.size * PANGO_SCALE);
  PangoLayout* layout = layout_.get();
  pango_layout_set_font_description(layout, font.get());
  pango_layout_set_text(layout, text.data(), static_cast<int>(text.size()));
  // Measured without a width first: otherwise right-to-left text is aligned to the right edge.
  pango_layout_set_width(layout, -1);
  int width = 0;
  pango_layout_get_size(layout, &width, nullptr);
  const double limit = std::clamp(max_width, 0.0, 1e6) * PANGO_SCALE;
  if (width > limit) pango_layout_set_width(layout, static_cast<int>(limit));
  return layout;
}

Result<CanvasSurface> CanvasSurface::create(int width, int height) {
  if (width > kMaxSide || height > kMaxSide) {
    return resource_limit("drawing: picture is too large (expected at most 32767 pixels per side)");
  }
  CanvasSurface out;
  out.width = width;
  out.height = height;
  out.surface.reset(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height));
  const cairo_status_t status = cairo_surface_status(out.surface.get());
  if (status != CAIRO_STATUS_SUCCESS) {
    return internal_error(std::string("drawing: ") + cairo_status_to_string(status));
  }
  return out;
}

Canvas::Canvas(CanvasSurface& surface, image::ImageView picture, int zoom, Fonts& fonts)
    : fonts_(&fonts),
      surface_(surface.surface.get()),
      cairo_(cairo_create(surface_)),
      picture_(picture),
      width_(surface.width),
      height_(surface.height),
      loaded_(static_cast<std::size_t>(surface.height), 0) {
  if (zoom > 1) {
    paint_enlarged(zoom);
    std::fill(loaded_.begin(), loaded_.end(), char{1});
  }
}

void Canvas::paint_enlarged(int zoom) {
  cairo_t* c = cairo_.get();
  cairo_set_source_rgb(c, 0, 0, 0);
  cairo_paint(c);
  const Handle<cairo_surface_t> source(
      cairo_image_surface_create(CAIRO_FORMAT_RGB24, picture_.width, picture_.height));
  if (cairo_surface_status(source.get()) != CAIRO_STATUS_SUCCESS) return;
  for (int y = 0; y < picture_.height; ++y) {
    copy_row_in(picture_.row(y), picture_.width,
                cairo_image_surface_get_data(source.get()) +
                    std::ptrdiff_t{y} * cairo_image_surface_get_stride(source.get()));
  }
  cairo_surface_mark_dirty(source.get());
  cairo_save(c);
  cairo_rectangle(c, 0, 0, static_cast<double>(zoom) * picture_.width,
                  static_cast<double>(zoom) * picture_.height);
  cairo_clip(c);
  cairo_scale(c, zoom, zoom);
  cairo_set_source_surface(c, source.get(), 0, 0);
  cairo_pattern_set_extend(cairo_get_source(c), CAIRO_EXTEND_PAD);
  cairo_pattern_set_filter(cairo_get_source(c), CAIRO_FILTER_BILINEAR);
  cairo_paint(c);
  cairo_restore(c);
}

void Canvas::touch(double top, double bottom) {
  const int first = static_cast<int>(std::floor(std::clamp<double>(top - 2, 0, height_)));
  const int last = static_cast<int>(std::ceil(std::clamp<double>(bottom + 2, 0, height_)));
  bool flushed = false;
  for (int y = first; y < last; ++y) {
    char& loaded = loaded_[static_cast<std::size_t>(y)];
    if (loaded) continue;
    if (!flushed) cairo_surface_flush(surface_);
    flushed = true;
    loaded = 1;
    unsigned char* row = row_of(y);
    const int columns = y < picture_.height ? std::min(picture_.width, width_) : 0;
    if (columns > 0) copy_row_in(picture_.row(y), columns, row);
    std::memset(row + std::ptrdiff_t{4} * columns, 0,
                static_cast<std::size_t>(width_ - columns) * 4);
  }
  if (flushed) cairo_surface_mark_dirty(surface_);
}

unsigned char* Canvas::row_of(int y) const {
  return cairo_image_surface_get_data(surface_) +
         std::ptrdiff_t{y} * cairo_image_surface_get_stride(surface_);
}

void Canvas::colour(const Colour& c, double alpha) {
  cairo_set_source_rgba(cairo_.get(), c.r / 255.0, c.g / 255.0, c.b / 255.0, alpha);
}

void Canvas::path(const Rect& r, double radius) {
  constexpr double kQuarter = std::numbers::pi / 2;
  const double q = std::clamp(radius, 0.0, std::min(r.w, r.h) / 2);
  cairo_t* c = cairo_.get();
  cairo_new_sub_path(c);
  cairo_arc(c, r.right() - q, r.y + q, q, -kQuarter, 0);
  cairo_arc(c, r.right() - q, r.bottom() - q, q, 0, kQuarter);
  cairo_arc(c, r.x + q, r.bottom() - q, q, kQuarter, 2 * kQuarter);
  cairo_arc(c, r.x + q, r.y + q, q, 2 * kQuarter, 3 * kQuarter);
  cairo_close_path(c);
}

void Canvas::fill(const Rect& r, double radius, const Colour& c, double alpha) {
  if (r.w <= 0 || r.h <= 0) return;
  touch(r.y, r.bottom());
  path(r, radius);
  colour(c, alpha);
  cairo_fill(cairo_.get());
}

void Canvas::stroke(const Rect& r, double radius, double line, const Colour& c, double alpha) {
  if (r.w <= 0 || r.h <= 0) return;
  touch(r.y - line / 2, r.bottom() + line / 2);
  path(r, radius);
  colour(c, alpha);
  cairo_set_line_width(cairo_.get(), line);
  cairo_stroke(cairo_.get());
}

void Canvas::segment(double x0, double y0, double x1, double y1, double line, const Colour& c,
                     double alpha) {
  touch(std::min(y0, y1) - line, std::max(y0, y1) + line);
  cairo_new_path(cairo_.get());
  cairo_move_to(cairo_.get(), x0, y0);
  cairo_line_to(cairo_.get(), x1, y1);
  colour(c, alpha);
  cairo_set_line_width(cairo_.get(), line);
  cairo_set_line_cap(cairo_.get(), CAIRO_LINE_CAP_ROUND);
  cairo_stroke(cairo_.get());
}

void Canvas::dot(double x, double y, double radius, const Colour& c, double alpha) {
  touch(y - radius, y + radius);
  cairo_new_path(cairo_.get());
  cairo_arc(cairo_.get(), x, y, radius, 0, 2 * std::numbers::pi);
  colour(c, alpha);
  cairo_fill(cairo_.get());
}

void Canvas::clip_to(const Rect& r) {
  cairo_save(cairo_.get());
  cairo_rectangle(cairo_.get(), r.x, r.y, r.w, r.h);
  cairo_clip(cairo_.get());
}

void Canvas::unclip() { cairo_restore(cairo_.get()); }

double Canvas::text_width(const std::string& text, const Fonts::Style& style, double max_width) {
  int width = 0;
  pango_layout_get_size(fonts_->line(text, style, max_width), &width, nullptr);
  return static_cast<double>(width) / PANGO_SCALE;
}

double Canvas::text(const std::string& text, double x, double middle_y, const Fonts::Style& style,
                    double max_width, const Colour& c, double alpha) {
  if (max_width < style.size / 2) return 0;
  PangoLayout* layout = fonts_->line(text, style, max_width);
  PangoRectangle ink;
  PangoRectangle logical;
  pango_layout_get_extents(layout, &ink, &logical);
  // Text is centred on the middle of a lower-case "x", so that lines share a baseline whatever
  // their glyphs.
  const double baseline = static_cast<double>(pango_layout_get_baseline(layout)) / PANGO_SCALE;
  const double left = static_cast<double>(logical.x) / PANGO_SCALE;
  const double top = std::round(middle_y + 0.35 * style.size) - baseline;
  touch(top + static_cast<double>(ink.y) / PANGO_SCALE,
        top + static_cast<double>(ink.y + ink.height) / PANGO_SCALE);
  cairo_move_to(cairo_.get(), x - left, top);
  colour(c, alpha);
  pango_cairo_show_layout(cairo_.get(), layout);
  return static_cast<double>(logical.width) / PANGO_SCALE;
}

Status Canvas::finish(image::Image& picture) {
  const cairo_status_t status = cairo_status(cairo_.get());
  if (status != CAIRO_STATUS_SUCCESS) {
    return internal_error(std::string("drawing: ") + cairo_status_to_string(status));
  }
  cairo_surface_flush(surface_);
  const bool in_place = picture.width() == width_ && picture.height() == height_;
  image::Image grown = in_place ? image::Image() : image::Image(width_, height_);
  image::Image& out = in_place ? picture : grown;
  for (int y = 0; y < height_; ++y) {
    if (loaded_[static_cast<std::size_t>(y)]) {
      copy_row_out(row_of(y), width_, out.row(y));
    } else if (!in_place && y < picture_.height) {
      const int columns = std::min(width_, picture_.width);
      std::memcpy(out.row(y), picture_.row(y), static_cast<std::size_t>(columns) * 3);
    }
  }
  if (!in_place) picture = std::move(grown);
  return {};
}

}  // namespace mien::report
