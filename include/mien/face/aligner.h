#pragma once

#include "mien/core/json.h"
#include "mien/core/status.h"
#include "mien/face/face.h"

namespace mien::face {

/// How a face is cut out of its picture before preprocessing; stored in a bundle.
struct CropSpec {
  float margin = 0.2F;   ///< share of the box side added on every side
  bool square = true;    ///< grow the shorter side first
  bool align = false;    ///< rotate and scale by the five points (similarity transform), when there
                         ///< are landmarks
  int align_size = 224;  ///< side of an aligned crop

  bool operator==(const CropSpec&) const = default;
  /// What parse() reads.
  Json to_json() const;
  /// Messages start with `subject`. Errors: kCorrupt for a missing, unknown or mistyped key, margin
  /// outside 0..10, align_size outside 1..4096.
  static Result<CropSpec> parse(const Json& json, std::string_view subject);
};

/// Cuts a face out of its picture. A `whole` face is the picture itself. Parts outside the picture
/// are black.
/// Errors: kInvalidArgument for an empty box.
Result<image::Image> crop_face(image::ImageView picture, const Face& face, const CropSpec& spec);

}  // namespace mien::face
