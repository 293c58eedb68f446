#pragma once

#include <torch/types.h>

#include <optional>
#include <vector>

#include "data/geometry.h"

namespace mien::methods {

/// The shapes of the faces of a data set, from the geo_* columns.
struct FaceShapes {
  std::vector<std::optional<data::FaceGeometry>> faces;  ///< by sample
  torch::Tensor values;  ///< [samples, kGeometryMeasures], deviations; 0 where unknown
  torch::Tensor known;   ///< [samples], 1 or 0

  /// Errors: those of data::geometry_of; kInvalidArgument when no sample has such columns.
  static Result<FaceShapes> of(const data::Manifest& manifest);
};

}  // namespace mien::methods
