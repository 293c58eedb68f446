#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mien/core/status.h"
#include "mien/face/detector.h"
#include "mien/image/image.h"

namespace mien::face {

/// "10,20,30.5,40", for messages.
std::string to_text(const image::Box& box);

/// Checks that a given box belongs to a picture: at least half of it lies inside. Errors:
/// kInvalidArgument with `subject`, the box and the range.
Status check_inside(const image::Box& box, int width, int height, std::string_view subject);

/// True when both sides are 1 or less: not a face in pixels, but a share of the picture.
inline bool is_fraction(const image::Box& box) { return box.w <= 1 && box.h <= 1; }

/// Converts a share of a picture to pixels.
image::Box from_fraction(const image::Box& box, int width, int height);

/// Scales a box to the same picture at `x` times the width and `y` times the height.
inline image::Box scaled(const image::Box& box, float x, float y) {
  return {box.x * x, box.y * y, box.w * x, box.h * y};
}

/// The part of a picture that is searched, in whole pixels.
struct SearchArea {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;

  image::ImageView view(image::ImageView picture) const {
    if (picture.empty()) return {};
    return {picture.row(top) + 3 * std::ptrdiff_t{left}, width, height, picture.stride};
  }
  /// Moves a face from this part to the whole picture.
  void shift(Detection& face) const {
    face::shift(face, static_cast<float>(left), static_cast<float>(top));
  }
};

/// The part of a picture that `region` selects, in pixels or as a share; without a region, all of
/// it. Errors: those of check_inside.
Result<SearchArea> part_of(int width, int height, const std::optional<image::Box>& region);

}  // namespace mien::face
