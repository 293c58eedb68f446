#pragma once

// The regression head of EmoCLIP's downstream checkpoints.

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/name_map.h"
#include "mien/engine/bundle.h"

namespace mien::convert {

/// A regression head beside the model: its size, its targets, and where its tensors are.
struct HeadPlan {
  engine::RegressionHead sizes;
  std::vector<engine::RegressionTarget> targets;
  std::vector<checkpoint::TensorSource> rows;
};

/// The head of `weights` (`mlp.*`) for embeddings of width `embed`, or none. `names`: of its
/// targets; empty: target_1, target_2, ... Other `mlp` tensors are left out, with a note.
/// Errors: kInvalidArgument for names that are not as many as targets, empty or duplicate, or
/// without a head.
Result<std::optional<HeadPlan>> find_regression(const checkpoint::Checkpoint& weights,
                                                checkpoint::ClipNaming naming, int embed,
                                                const std::vector<std::string>& names,
                                                std::vector<std::string>& notes);

/// The names as targets. Errors: kInvalidArgument as above.
Result<std::vector<engine::RegressionTarget>> name_targets(const std::vector<std::string>& names,
                                                           int targets);

}  // namespace mien::convert
