#pragma once

#include <cstdint>
#include <memory>

#include "mien/checkpoint/checkpoint.h"

namespace mien::checkpoint {

/// The parts of a DFER-CLIP checkpoint.
struct DferClipParts {
  /// Image tower, text tower and temporal model under our names (OpenAI's and `temporal.*`). The
  /// second copy of CLIP in the file is left out, except for its token table.
  std::shared_ptr<const Checkpoint> model;
  TensorView contexts;  ///< learned tokens [classes, M, W], or [M, W] for all classes
  TensorView suffix;    ///< vectors after the learned tokens [classes, rest, W]
  std::int64_t classes = 0;
};

/// Recognised by the learned tokens beside an image tower, with or without the prefix `module.`.
bool is_dfer_clip(const Checkpoint& checkpoint);

/// Views of `checkpoint`, which the parts keep alive. Errors: kCorrupt for learned tokens of an
/// impossible shape; kUnsupported without the rest of the prompt learner. Source: DFER-CLIP (arXiv
/// 2308.13382) and its code; methods-peers §A11.
Result<DferClipParts> open_dfer_clip(std::shared_ptr<const Checkpoint> checkpoint);

}  // namespace mien::checkpoint
