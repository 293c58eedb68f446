#pragma once

// Image towers that are no CLIP: initial weights for training, and embeddings.

#include "cli/convert_source.h"
#include "mien/checkpoint/tower_names.h"

namespace mien::cli {

/// The architecture of a tower. The size of its pictures cannot be seen in a ResNet, whose usual
/// 224 is taken and noted; that of a Swin follows from its stages. Errors: kUnsupported for stems
/// other than torchvision's; kCorrupt.
Result<engine::Architecture> tower_architecture(const checkpoint::TowerShape& shape,
                                                const std::string& subject,
                                                std::vector<std::string>& notes);

}  // namespace mien::cli
