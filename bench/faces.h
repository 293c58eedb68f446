#pragma once

#include <filesystem>
#include <vector>

#include "harness.h"

namespace mien::bench {

/// Times one face crop from pixels to scores: the bundle's preprocessing, its image tower, its own
/// labels; with 1, 2 and 4 views. Both types that the processor multiplies well.
Status run_face(const std::filesystem::path& bundle, const std::filesystem::path& picture,
                const std::vector<int>& threads, const Plan& plan);

/// Times a whole clip in this process, from opening it to the last track: decoding, finding with
/// landmarks, encoding and scoring.
Status run_clip(const std::filesystem::path& bundle, const std::filesystem::path& clip,
                const std::vector<int>& threads, const Plan& plan);

}  // namespace mien::bench
