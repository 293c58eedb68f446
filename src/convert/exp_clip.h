#pragma once

// The projection of Exp-CLIP.

#include <optional>

#include "convert/model_tensors.h"
#include "mien/engine/architecture.h"

namespace mien::convert {

/// The linear map of an Exp-CLIP checkpoint, [width, embed]; nullptr without one.
const TensorView* find_projection(const checkpoint::Checkpoint& weights);

/// Folds the map into the projections of both towers of `architecture`. `dtype`: of the result;
/// none: F32. Errors: kInvalidArgument when a number does not fit F16; kCorrupt.
Status fold_map(const TensorView& map, std::optional<DType> dtype,
                const engine::Architecture& architecture, ModelTensors& tensors);

}  // namespace mien::convert
