#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mien/checkpoint/checkpoint.h"

namespace mien::checkpoint {

using mien::to_string;  // stays visible beside the one below

/// The naming schemes of CLIP checkpoints. mien's own names are OpenAI's: `visual.conv1.weight`,
/// `visual.transformer.resblocks.0.*`, `transformer.resblocks.0.*`, `token_embedding.weight`,
/// `text_projection`, `logit_scale`. kOpenClip is the layout with a `text.` tower; OpenCLIP files
/// whose text tower is at the top level have OpenAI's names and are reported so. kBareImage is an
/// image tower alone without the prefix `visual.`, as EmoCLIP's downstream model keeps it under
/// `backbone.`: its `transformer.resblocks.*` is the image tower.
enum class ClipNaming { kUnknown, kOpenAi, kHuggingFace, kOpenClip, kBareImage };
std::string_view to_string(ClipNaming naming);

/// The naming scheme of a checkpoint. The prefixes `module.`, `model.`, `clip.` and `backbone.`,
/// also combined, are skipped.
ClipNaming detect_clip_naming(const Checkpoint& checkpoint);

/// How one of our tensors is made. Usually from one source; Hugging Face stores q, k and v
/// separately, and these three are concatenated along axis 0. `transpose`: a 2-d source is stored
/// transposed (Hugging Face projections).
struct TensorSource {
  std::string name;                  ///< ours
  std::vector<std::string> sources;  ///< in the file
  bool transpose = false;
};

/// The plan for the whole model, in our order: the image tower and, if the file has any part of it,
/// the text tower. For a model around a `backbone.`, its own `logit_scale` is used. Errors:
/// kUnsupported when no known naming matches (the message lists what was found and expected) or
/// when tensors of a tower are missing (listing the first).
Result<std::vector<TensorSource>> map_clip_names(const Checkpoint& checkpoint, ClipNaming naming);

/// The plan for EmoCLIP's temporal module beside the towers (`temporal.*`); empty when the file has
/// none of its tensors. Errors: kUnsupported when no known naming matches or some of its tensors
/// are missing.
Result<std::vector<TensorSource>> map_temporal_names(const Checkpoint& checkpoint,
                                                     ClipNaming naming);

/// Carries out one row of the plan, as F32. Errors: kNotFound for a source that is not in the file,
/// kCorrupt for shapes that do not match, kUnsupported dtype.
Result<Tensor> gather(const Checkpoint& checkpoint, const TensorSource& row);

/// The shape of the result of gather, without reading data. Errors: as gather.
Result<Shape> gathered_shape(const Checkpoint& checkpoint, const TensorSource& row);

/// The sizes of a CLIP model with transformer towers. Text sizes are zero without a text tower.
struct ClipShape {
  std::int64_t image_size = 0;  ///< pixels
  std::int64_t patch = 0;       ///< pixels
  std::int64_t vision_width = 0;
  std::int64_t vision_layers = 0;
  std::int64_t vision_heads = 0;
  std::int64_t vision_mlp = 0;
  std::int64_t text_width = 0;
  std::int64_t text_layers = 0;
  std::int64_t text_heads = 0;
  std::int64_t text_mlp = 0;
  std::int64_t context = 0;
  std::int64_t vocab = 0;
  std::int64_t embed_dim = 0;
  bool has_text = false;

  bool operator==(const ClipShape&) const = default;
};

/// Infers the sizes from the tensors and checks every tensor of the plan against them. Heads are 64
/// wide, as in OpenAI's models; OpenCLIP's H, g and bigG image towers (width 1280, 1408, 1664) have
/// 16 heads. Errors: as map_clip_names; kCorrupt when a shape does not match; kUnsupported widths.
Result<ClipShape> infer_clip_shape(const Checkpoint& checkpoint, ClipNaming naming);

/// The sizes of EmoCLIP's downstream regression head.
struct RegressionShape {
  std::int64_t hidden = 0;  ///< 0: a linear probe
  std::int64_t targets = 0;
};

/// The plan of the head (`mlp.0.*`, and `mlp.2.*` unless it is a linear probe) beside a CLIP model,
/// under those names; empty when there is none. Errors: as map_clip_names.
Result<std::vector<TensorSource>> map_regression_names(const Checkpoint& checkpoint,
                                                       ClipNaming naming);
/// Infers the sizes of a plan of map_regression_names for clip embeddings of `width`. Errors:
/// kCorrupt when a shape does not match.
Result<RegressionShape> infer_regression_shape(const Checkpoint& checkpoint,
                                               const std::vector<TensorSource>& plan,
                                               std::int64_t width);

/// The sizes of EmoCLIP's temporal module.
struct TemporalShape {
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t inner = 0;  ///< of all heads together; the tensors do not tell their number
  std::int64_t mlp = 0;
  std::int64_t positions = 0;  ///< maximum number of frames + 1

  bool operator==(const TemporalShape&) const = default;
};

/// Infers the sizes and checks every tensor of a plan of map_temporal_names. Errors: kCorrupt when
/// a shape does not match.
Result<TemporalShape> infer_temporal_shape(const Checkpoint& checkpoint,
                                           const std::vector<TensorSource>& plan);

}  // namespace mien::checkpoint
