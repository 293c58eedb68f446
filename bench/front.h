#pragma once

#include <filesystem>
#include <vector>

#include "harness.h"

namespace mien::bench {

/// Times what happens before the towers, on one picture: decoding, resizing, preprocessing, face
/// detection with and without upsampling, and the whole face finder of a picture and of a clip.
Status run_front(const std::filesystem::path& picture, const std::vector<int>& threads,
                 const Plan& plan);

}  // namespace mien::bench
