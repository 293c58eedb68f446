#pragma once

#include <string>
#include <string_view>

#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::face {

/// "10,20,30.5,40", for messages.
std::string to_text(const image::Box& box);

/// Whether a box that somebody gave belongs to a picture: at least half of it is inside. Errors:
/// kInvalidArgument with `subject`, the box and the range.
Status check_inside(const image::Box& box, int width, int height, std::string_view subject);

/// Both sides are 1 or less: no face in pixels, but a share of the picture.
inline bool is_fraction(const image::Box& box) { return box.w <= 1 && box.h <= 1; }

/// A share of a picture in its pixels.
image::Box from_fraction(const image::Box& box, int width, int height);

}  // namespace mien::face
