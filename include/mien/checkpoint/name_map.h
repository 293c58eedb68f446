#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mien/checkpoint/checkpoint.h"

namespace mien::checkpoint {

/// The naming habits of CLIP checkpoints. mien's own names are OpenAI's: `visual.conv1.weight`,
/// `visual.transformer.resblocks.0.*`, `transformer.resblocks.0.*`, `token_embedding.weight`,
/// `text_projection`, `logit_scale`.
enum class ClipNaming { kUnknown, kOpenAi, kHuggingFace, kOpenClip };
std::string_view to_string(ClipNaming naming);

/// Which habit a checkpoint follows (a `module.` or `model.` prefix is looked through).
ClipNaming detect_clip_naming(const Checkpoint& checkpoint);

/// One of our tensors: where its rows come from. Usually one source; Hugging Face stores q, k, v
/// apart and needs three, concatenated along axis 0. `transpose`: a 2-d source is stored transposed
/// (Hugging Face projections).
struct TensorSource {
  std::string name;                  ///< ours
  std::vector<std::string> sources;  ///< in the file
  bool transpose = false;
};

/// The plan for the whole model: every tensor of both towers that the file has, in our order.
/// Errors: kUnsupported when no known naming fits (the message lists what was seen and what was
/// expected).
Result<std::vector<TensorSource>> map_clip_names(const Checkpoint& checkpoint, ClipNaming naming);

/// Carries out one row of the plan, as F32. Errors: kCorrupt on shapes that do not fit together,
/// kUnsupported dtype.
Result<Tensor> gather(const Checkpoint& checkpoint, const TensorSource& row);

}  // namespace mien::checkpoint
