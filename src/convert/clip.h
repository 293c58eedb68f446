#pragma once

// Reads sizes and settings from the tensors and configuration of a model with CLIP's names.

#include <optional>
#include <string>
#include <vector>

#include "checkpoint/name_map.h"
#include "convert/hints.h"
#include "convert/source.h"
#include "mien/convert/convert.h"
#include "mien/engine/bundle.h"

namespace mien::convert {

/// The sizes of both towers, from tensors and configuration. `activation`: none: detected.
/// Assumptions go to `notes`. Errors: kUnsupported, kCorrupt.
Result<engine::Architecture> clip_architecture(const Source& source, checkpoint::ClipNaming naming,
                                               const Hints& hints,
                                               std::optional<kernels::Activation> activation,
                                               std::vector<std::string>& notes);

/// The temporal model of `source` at `rows` (empty: none). Heads cannot be seen in the tensors:
/// they are EmoCLIP's 8. Errors: kUnsupported, kCorrupt.
Result<std::optional<engine::TemporalTower>> temporal_tower(
    const Source& source, const std::vector<checkpoint::TensorSource>& rows);

/// exp of the stored scale as it was trained, or 100 without one. A missing scale, and one above
/// CLIP's own 100, go to `notes`. Errors: kCorrupt when it is not a usable number.
Result<double> read_logit_scale(const checkpoint::Checkpoint& weights,
                                const std::vector<checkpoint::TensorSource>& rows,
                                std::vector<std::string>& notes);

/// The recipe of this name for pictures of `side` pixels. Precondition: not kAuto.
image::PreprocessSpec preprocess_of(Preprocess name, int side);

}  // namespace mien::convert
