#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mien/image/image.h"

namespace mien::face {

/// Where a face came from.
enum class Source { kDetected, kWhole, kBoxes };
std::string_view to_string(Source source);  ///< "detected", "whole", "boxes"

/// One face of one picture or frame. Coordinates are pixels of that picture.
struct Face {
  image::Box box;
  float score = 0;  ///< detector confidence, larger is surer; 0 when not detected
  Source source = Source::kDetected;
  std::vector<image::Point>
      landmarks68;  ///< iBUG 68-point order; empty when no landmark model is loaded
  std::optional<std::array<image::Point, 5>>
      landmarks5;  ///< left eye, right eye, nose tip, left and right mouth corner (as seen in the
                   ///< picture)
  std::int64_t track = -1;  ///< stable over a clip; -1 in a picture
};

/// Box and landmarks of a picture in one `x` times as wide and `y` times as high.
void scale_face(Face& face, float x, float y);

}  // namespace mien::face
