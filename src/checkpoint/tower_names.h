#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "checkpoint/name_map.h"

namespace mien::checkpoint {

/// Image towers other than CLIP's: torchvision's ResNets of basic blocks, torchvision's Swin, and
/// Swin as Microsoft released it (SwinFace keeps these names and adds a feature head).
enum class TowerNaming { kUnknown, kResNet, kSwinTorchvision, kSwin };
std::string_view to_string(TowerNaming naming);

/// Recognised by the names, under any prefix.
TowerNaming detect_tower_naming(const Checkpoint& checkpoint);

/// Sizes inferred from the tensors. Those of the other kind are zero or empty.
struct TowerShape {
  std::int64_t embed = 0;     ///< width of the output
  std::int64_t channels = 0;  ///< ResNet, as the next three
  std::int64_t stem_kernel = 0;
  std::int64_t stem_width = 0;
  std::vector<int> widths = {};
  std::int64_t patch = 0;  ///< Swin, as all below
  std::int64_t width = 0;
  std::int64_t window = 0;
  std::int64_t mlp_ratio = 0;
  std::vector<int> heads = {};
  bool feature_head = false;
  std::vector<int> blocks = {};  ///< per stage, of both

  bool operator==(const TowerShape&) const = default;
};

struct TowerPlan {
  TowerNaming naming = TowerNaming::kUnknown;
  TowerShape shape;
  std::vector<TensorSource> rows;  ///< our names, below `visual.`
};

/// The plan for a whole tower; classifiers (`fc`, `head`) are left out. The caller checks shapes
/// against the sizes. Errors: kUnsupported when no known naming matches, when a tensor is missing
/// (naming the first), or for an unsupported variant (bottlenecks, absolute positions); kCorrupt
/// for impossible shapes.
Result<TowerPlan> map_tower_names(const Checkpoint& checkpoint);

}  // namespace mien::checkpoint
