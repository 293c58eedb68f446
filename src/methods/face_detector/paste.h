#pragma once

#include <array>
#include <cstdint>

#include "mien/core/rng.h"
#include "mien/face/detector.h"
#include "mien/image/image.h"

namespace mien::methods {

/// How a picture is laid over another: mirrored, scaled, turned, moved.
struct Placing {
  image::Point from;  ///< comes to lie at `to`
  image::Point to;
  float scale = 1;
  float turn = 0;  ///< radians, clockwise as seen
  bool mirror = false;

  image::Point apply(image::Point point) const;
  image::Point inverse(image::Point point) const;
};

/// A face where `placing` brings it: the box around its ellipse, points named as they lie then.
face::Detection placed(const face::Detection& face, const Placing& placing);

/// What of a picture is laid over: an ellipse or a rectangle around `centre` whose border fades
/// over `fade` of its size; never more than the picture.
struct PasteMask {
  bool ellipse = true;
  image::Point centre;
  float half_width = 0, half_height = 0;
  float fade = 0.2F;

  /// 0 to 1.
  float at(image::Point point, int width, int height) const;
};

/// Values of the three channels by the value that a pixel had.
using ColourTable = std::array<std::array<std::uint8_t, 256>, 3>;
/// Contrast and brightness, and for a grey picture the colours of skin in some light.
ColourTable draw_colours(bool grey_source, Rng& rng);

/// Light from one side: pixels times 1 + the product of (dx, dy) with the distance from the middle,
/// in half sides.
struct SideLight {
  float dx = 0, dy = 0;
};

struct Pasting {
  Placing placing;
  PasteMask mask;
  ColourTable colours;
  SideLight light;
};

/// Lays `source` over `canvas`. It is made smaller with a filter first where it is scaled down.
void paste(image::ImageView source, const Pasting& pasting, image::Image& canvas);

/// The bounds of what paste() may change.
image::Box pasted_bounds(const Pasting& pasting);

/// Whether a picture has no colour, by some of its pixels.
bool is_grey(image::ImageView picture);

}  // namespace mien::methods
