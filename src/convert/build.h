#pragma once

// From a plan to the content of a bundle: this step reads the weights.

#include <memory>

#include "convert/card.h"
#include "convert/model_tensors.h"
#include "convert/plan.h"

namespace mien::convert {

/// All tensors of the plan with the embeddings of its labels, also of a text tower that is not
/// kept. Errors: kInvalidArgument for numbers that the requested type cannot hold; kCorrupt;
/// kCancelled.
Result<std::shared_ptr<const ModelTensors>> read_tensors(const Plan& plan, const Options& options);

/// The content to write. Its tensors are views of `tensors`.
Result<engine::BundleContent> make_content(const Plan& plan, const ModelTensors& tensors,
                                           const Options& options);

}  // namespace mien::convert
