#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "mien/image/image.h"

namespace mien::face {

/// Where a face came from.
enum class FaceSource { kDetected, kWhole, kBoxes };
std::string_view to_string(FaceSource source);  ///< "detected", "whole", "boxes"

/// One face of one picture or frame. Coordinates are pixels of that picture.
struct Face {
  image::Box box;
  float score = 0;  ///< detector confidence, higher is more certain; 0 when not detected
  FaceSource source = FaceSource::kDetected;
  std::vector<image::Point>
      landmarks68;  ///< iBUG 68-point order; empty when no landmark model is loaded
  std::optional<std::array<image::Point, 5>>
      landmarks5;  ///< left eye, right eye, nose tip, left and right mouth corner (as seen in the
                   ///< picture)
  std::int64_t track = -1;  ///< the same face keeps it throughout a clip; -1 in a picture
};

/// Scales box and landmarks to a picture `x` times as wide and `y` times as high.
void scale_face(Face& face, float x, float y);

}  // namespace mien::face
