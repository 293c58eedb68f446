#pragma once

#include <string>
#include <vector>

#include "mien/engine/architecture.h"
#include "mien/tensor/tensor.h"

namespace mien::engine {

/// The tensors of both towers that end in the joint space: [in, embed] each. Empty for an image
/// tower without a projection (the features are the embedding).
std::vector<std::string> joint_projections(const Architecture& architecture);

/// One matrix instead of two in a row: x -> (x * projection) * head^T without bias between or
/// behind. Shape: projection [in, embed], head [width, embed], any floating types -> [in, width]
/// float32, summed in float64. Errors: kCorrupt when the shapes do not fit; kUnsupported types.
Result<Tensor> fold_projection(const TensorView& projection, const TensorView& head);

}  // namespace mien::engine
