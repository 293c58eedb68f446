#pragma once

#include <optional>
#include <span>

#include "mien/image/image.h"
#include "report/canvas.h"

namespace mien::report {

/// `box` times `zoom`, cut to a picture of `width` x `height`; nullopt when nothing of it shows
/// (empty, not finite, outside).
std::optional<Rect> visible_box(const image::Box& box, int zoom, int width, int height);

struct Placement {
  Rect rect;
  double covered = 0;  ///< largest share of another face, or of a panel, that it hides
  double own = 0;      ///< share of the middle of its own face that it hides
};

/// What a panel should keep clear of.
struct Obstacles {
  Rect bounds;                   ///< the picture
  std::span<const Rect> faces;   ///< all faces
  std::size_t own = 0;           ///< the panel's own face, by index
  std::span<const Rect> panels;  ///< placed before
};

/// The best place for a panel of `width` x `height` near its own face: inside the picture, off
/// other faces and panels where there is room, and off the middle of its own face. Where no place
/// beside the face is free, places up to `reach` away are tried.
Placement place_panel(double width, double height, double gap, double reach,
                      const Obstacles& obstacles);

}  // namespace mien::report
