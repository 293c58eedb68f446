#pragma once

#include <cairo/cairo.h>
#include <pango/pangocairo.h>

#include <memory>
#include <string>
#include <vector>

#include "mien/core/status.h"
#include "mien/image/image.h"
#include "report/palette.h"

namespace mien::report {

struct Rect {
  double x = 0;
  double y = 0;
  double w = 0;
  double h = 0;

  double right() const { return x + w; }
  double bottom() const { return y + h; }
  double area() const { return w > 0 && h > 0 ? w * h : 0; }
};

/// Area that two rectangles share.
double shared_area(const Rect& a, const Rect& b);

struct Release {
  void operator()(cairo_t* p) const { cairo_destroy(p); }
  void operator()(cairo_surface_t* p) const { cairo_surface_destroy(p); }
  void operator()(PangoFontMap* p) const { g_object_unref(p); }
  void operator()(PangoContext* p) const { g_object_unref(p); }
  void operator()(PangoLayout* p) const { g_object_unref(p); }
  void operator()(PangoFontDescription* p) const { pango_font_description_free(p); }
};
template <class T>
using Handle = std::unique_ptr<T, Release>;

/// Loaded fonts. Not thread-safe.
class Fonts {
 public:
  /// Errors: kInternal.
  static Result<Fonts> load(const std::string& family);

  struct Style {
    double size = 12;
    bool bold = false;
    bool operator<(const Style& o) const { return size != o.size ? size < o.size : bold < o.bold; }
  };
  /// One line of text, cut with an ellipsis at `max_width` pixels; valid until the next call.
  PangoLayout* line(const std::string& text, const Style& style, double max_width);

 private:
  Fonts() = default;
  std::string family_;
  Handle<PangoFontMap> map_;
  Handle<PangoContext> context_;
  Handle<PangoLayout> layout_;
};

/// The memory of a canvas, reused from frame to frame.
struct CanvasSurface {
  Handle<cairo_surface_t> surface;
  int width = 0;
  int height = 0;

  /// Errors: kResourceLimit, kInternal.
  static Result<CanvasSurface> create(int width, int height);
};

/// Draws on a picture. Only rows that are drawn on are converted and written back. Borrows its
/// arguments.
class Canvas {
 public:
  /// `picture`, enlarged `zoom` times, in the top left corner of `surface`.
  Canvas(CanvasSurface& surface, image::ImageView picture, int zoom, Fonts& fonts);

  int width() const { return width_; }
  int height() const { return height_; }

  void fill(const Rect& r, double radius, const Colour& c, double alpha);
  void stroke(const Rect& r, double radius, double line, const Colour& c, double alpha);
  void segment(double x0, double y0, double x1, double y1, double line, const Colour& c,
               double alpha);
  void dot(double x, double y, double radius, const Colour& c, double alpha);
  void clip_to(const Rect& r);
  void unclip();

  double text_width(const std::string& text, const Fonts::Style& style, double max_width);
  /// Draws one line of text centred on `middle_y`; returns its width.
  double text(const std::string& text, double x, double middle_y, const Fonts::Style& style,
              double max_width, const Colour& c, double alpha = 1.0);

  /// Writes the result to `picture`, the one this canvas was made with, which grows to the size of
  /// the surface. Errors: kInternal when drawing failed.
  Status finish(image::Image& picture);

 private:
  void paint_enlarged(int zoom);
  // Converts the rows from `top` to `bottom`, and a few around them, before drawing on them.
  void touch(double top, double bottom);
  unsigned char* row_of(int y) const;
  void path(const Rect& r, double radius);
  void colour(const Colour& c, double alpha);

  Fonts* fonts_;
  cairo_surface_t* surface_;
  Handle<cairo_t> cairo_;
  image::ImageView picture_;
  int width_ = 0;
  int height_ = 0;
  std::vector<char> loaded_;
};

}  // namespace mien::report
