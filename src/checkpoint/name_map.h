#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mien/checkpoint/checkpoint.h"

namespace mien::checkpoint {

using mien::to_string;  // stays visible beside the one below

/// The naming habits of CLIP checkpoints. mien's own names are OpenAI's: `visual.conv1.weight`,
/// `visual.transformer.resblocks.0.*`, `transformer.resblocks.0.*`, `token_embedding.weight`,
/// `text_projection`, `logit_scale`. kOpenClip is the layout with a `text.` tower; OpenCLIP files
/// whose text tower stands at the top are named as OpenAI's and reported so.
/// kBareImage is an image tower alone without `visual.` in front, as EmoCLIP's downstream model
/// keeps it under `backbone.`: its `transformer.resblocks.*` is the image tower.
enum class ClipNaming { kUnknown, kOpenAi, kHuggingFace, kOpenClip, kBareImage };
std::string_view to_string(ClipNaming naming);

/// Which habit a checkpoint follows (the prefixes `module.`, `model.`, `clip.`, `backbone.`, also
/// several of them, are looked through).
ClipNaming detect_clip_naming(const Checkpoint& checkpoint);

/// One of our tensors: where its rows come from. Usually one source; Hugging Face stores q, k, v
/// apart and needs three, concatenated along axis 0. `transpose`: a 2-d source is stored transposed
/// (Hugging Face projections).
struct TensorSource {
  std::string name;                  ///< ours
  std::vector<std::string> sources;  ///< in the file
  bool transpose = false;
};

/// The plan for the whole model, in our order: the image tower and, when the file has any part of
/// it, the text tower. Of a model around a `backbone.` its own `logit_scale` is taken. Errors:
/// kUnsupported when no known naming fits (the message lists what was seen and what was expected)
/// or when tensors of a tower are missing (listing the first).
Result<std::vector<TensorSource>> map_clip_names(const Checkpoint& checkpoint, ClipNaming naming);

/// The plan for EmoCLIP's temporal module beside the towers (`temporal.*`); empty when the file has
/// none of it. Errors: kUnsupported when no known naming fits or a part of it is missing.
Result<std::vector<TensorSource>> map_temporal_names(const Checkpoint& checkpoint,
                                                     ClipNaming naming);

/// Carries out one row of the plan, as F32. Errors: kNotFound for a source that is not in the file,
/// kCorrupt on shapes that do not fit together, kUnsupported dtype.
Result<Tensor> gather(const Checkpoint& checkpoint, const TensorSource& row);

/// The shape that gather gives, without reading data. Errors: as gather.
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
/// 16 heads. Errors: as map_clip_names; kCorrupt when a shape does not fit; kUnsupported widths.
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
/// kCorrupt when a shape does not fit.
Result<RegressionShape> infer_regression_shape(const Checkpoint& checkpoint,
                                               const std::vector<TensorSource>& plan,
                                               std::int64_t width);

/// The sizes of EmoCLIP's temporal module.
struct TemporalShape {
  std::int64_t width = 0;
  std::int64_t layers = 0;
  std::int64_t inner = 0;  ///< of all heads together; their number cannot be seen
  std::int64_t mlp = 0;
  std::int64_t positions = 0;  ///< frames + 1 at most

  bool operator==(const TemporalShape&) const = default;
};

/// Infers the sizes and checks every tensor of a plan of map_temporal_names. Errors: kCorrupt when
/// a shape does not fit.
Result<TemporalShape> infer_temporal_shape(const Checkpoint& checkpoint,
                                           const std::vector<TensorSource>& plan);

}  // namespace mien::checkpoint
