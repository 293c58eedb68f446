#pragma once

// Image towers of other kinds than CLIP's.

#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tower_names.h"
#include "mien/checkpoint/checkpoint.h"
#include "mien/engine/architecture.h"

namespace mien::convert {

/// The architecture of a tower. The picture size of a ResNet does not show in its tensors, so the
/// usual 224 is assumed and noted; that of a Swin follows from its stages. Errors: kUnsupported for
/// stems other than torchvision's; kCorrupt.
Result<engine::Architecture> tower_architecture(const checkpoint::TowerShape& shape,
                                                const std::string& subject,
                                                std::vector<std::string>& notes);

/// Whether an image tower was trained by KE2NT: its transformation network is beside it.
bool is_ke2nt(const checkpoint::Checkpoint& weights);

}  // namespace mien::convert
