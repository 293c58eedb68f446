#pragma once

// Recognises a source by the names of its tensors.

#include <memory>
#include <variant>
#include <vector>

#include "checkpoint/dfer_clip_names.h"
#include "checkpoint/name_map.h"
#include "checkpoint/tower_names.h"
#include "convert/source.h"

namespace mien::convert {

/// Where the tensors of a model with CLIP's towers are.
struct ClipNames {
  checkpoint::ClipNaming naming = checkpoint::ClipNaming::kUnknown;
  std::vector<checkpoint::TensorSource> towers;    ///< and the logit scale
  std::vector<checkpoint::TensorSource> temporal;  ///< empty: no temporal model
};

/// CLIP in any layout, with or without a regression head.
struct Clip {
  ClipNames names;
};
/// CLIP's towers, or its image tower alone, with EmoCLIP's temporal model.
struct EmoClip {
  ClipNames names;
};
/// Learned prompts, and below them `parts.model` with names like CLIP's.
struct DferClip {
  checkpoint::DferClipParts parts;
  ClipNames names;
};
/// An image tower of another kind: a ResNet or a Swin transformer.
struct ImageTowerAlone {
  checkpoint::TowerPlan tower;
};
/// Such a tower, trained against the texts of a CLIP.
struct Ke2nt {
  checkpoint::TowerPlan tower;
};
/// A bundle of mien, described by its bundle.json.
struct OwnBundle {
  std::shared_ptr<const engine::Bundle> bundle;
};

using Recognised = std::variant<Clip, EmoClip, DferClip, ImageTowerAlone, Ke2nt, OwnBundle>;

/// Errors: kUnsupported for other models, with what was seen; kInvalidArgument for the projection
/// of Exp-CLIP alone; kCorrupt.
Result<Recognised> recognise(const Source& source);

}  // namespace mien::convert
