#pragma once

#include <optional>
#include <span>

#include "mien/image/image.h"
#include "report/canvas.h"

namespace mien::report {

/// `box` times `zoom`, clipped to a picture of `width` x `height`; nullopt if nothing of it is
/// visible (empty, not finite, outside).
std::optional<Rect> visible_box(const image::Box& box, int zoom, int width, int height);

struct Placement {
  Rect rect;
  double covered = 0;  ///< largest share of another face, or of a panel, that it hides
  double own = 0;      ///< share of the middle of its own face that it hides
};

/// Obstacles that a panel should avoid.
struct Obstacles {
  Rect bounds;                   ///< the picture
  std::span<const Rect> faces;   ///< all faces
  std::size_t own = 0;           ///< the panel's own face, by index
  std::span<const Rect> panels;  ///< placed before
};

/// The best position for a panel of `width` x `height` near its own face: inside the picture, clear
/// of other faces and panels if there is room, and clear of the middle of its own face. If no
/// position beside the face is free, positions up to `reach` away are tried.
Placement place_panel(double width, double height, double gap, double reach,
                      const Obstacles& obstacles);

}  // namespace mien::report
