#pragma once

// Checkpoints of DFER-CLIP: learned tokens around the texts of their classes.

#include <memory>
#include <optional>

#include "convert/plan.h"

namespace mien::convert {

/// The position of the class texts among their learned tokens, from `given` or the metadata of the
/// file. Errors: kInvalidArgument if neither gives it, or they differ.
Result<TextPosition> dfer_clip_position(const checkpoint::Checkpoint& weights,
                                        std::optional<TextPosition> given);

/// Unit rows of the classes' texts with their learned tokens. Errors: kCorrupt when the vectors
/// that the file stores behind the learned tokens are not those of the texts.
Result<Tensor> dfer_clip_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                                  const engine::Architecture& architecture,
                                  const text::BpeTokenizer& tokenizer,
                                  const LearnedPrompts& prompts);

}  // namespace mien::convert
