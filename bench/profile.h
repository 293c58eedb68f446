#pragma once

#include <vector>

#include "harness.h"

namespace mien::bench {

/// Times every operation of a block of ViT-B/16 by itself, for one pass of 8 pictures, in each
/// precision that this CPU multiplies in hardware. One line per operation.
Status run_profile(const Plan& plan, const std::vector<int>& threads);

}  // namespace mien::bench
