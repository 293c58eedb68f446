#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mien/core/status.h"
#include "mien/data/manifest.h"
#include "mien/image/image.h"

namespace mien::data {

inline constexpr std::size_t kGeometryMeasures = 7;

/// How a face is shaped at the moment, from 68 landmarks: how far the lips are apart, how wide the
/// mouth is, how far its corners are above its middle, how far the brows are above the eyes, how
/// far apart their inner ends are, how far the inner ends are above the outer ones, how far the
/// eyes are open. Unit: the distance of the centres of the eyes; the face is turned upright first.
struct FaceGeometry {
  std::array<double, kGeometryMeasures> values = {};

  /// The measures as deviations from usual faces: centre and spread (median, and half of the
  /// distance of the 16th and 84th percentile) of the 27,216 training pictures of FER2013 in which
  /// a face was found. Shape: one for every measure; cut to -3 .. 3.
  std::array<double, kGeometryMeasures> deviations() const;
};

/// Columns of a manifest that hold them: geo_mouth_open, geo_mouth_width, geo_corners_up,
/// geo_brows_up, geo_brows_apart, geo_brows_inner_up, geo_eyes_open.
extern const std::array<std::string_view, kGeometryMeasures> kGeometryColumns;

/// None if both eyes are at the same position. Precondition: 68 points in iBUG order.
std::optional<FaceGeometry> measure_face(std::span<const image::Point> points68);

/// The measures in the columns of a sample; none without them. Errors: kCorrupt naming sample and
/// column for a cell that is not a number, or if only some columns exist.
Result<std::optional<FaceGeometry>> geometry_of(const Sample& sample);

/// A sentence on what stands out, such as "A face with the mouth wide open and the brows raised."
/// Mentions at most the three strongest; empty if nothing stands out. The wording depends on the
/// measures, `id` and `seed` only.
std::string caption_from_geometry(const FaceGeometry& face, std::string_view id,
                                  std::uint64_t seed);

}  // namespace mien::data
