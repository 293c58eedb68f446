#pragma once

#include "harness.h"

namespace mien::bench {

/// Measures what this machine multiplies at most: independent fused multiply-adds in registers, in
/// fp32 and, where the CPU has it, as bf16 dot products. One line per type and thread count.
Status run_peak(const Plan& plan, const std::vector<int>& threads);

}  // namespace mien::bench
