#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mien/core/status.h"

namespace mien::kernels {

/// Instruction sets our own kernels are compiled for. Each is tested against kGeneric.
enum class Isa { kGeneric = 0, kAvx2 = 1, kAvx512 = 2 };

/// "generic", "avx2", "avx512"; find_isa is the inverse.
std::string_view to_string(Isa isa);
std::optional<Isa> find_isa(std::string_view name);

/// The widest set this CPU has.
Isa detect_isa();
/// True when this CPU multiplies bf16 in hardware (AVX512_BF16), so that bf16 is faster than fp32.
bool has_fast_bf16();
/// True when this CPU multiplies bytes in hardware (AVX512_VNNI), four times as many as fp32.
bool has_fast_int8();

/// The set that kernels use: detect_isa() unless limited.
Isa active_isa();
/// Limits this process to at most `isa`, in our kernels and in oneDNN.
/// Threads: call it once, before any other kernel. Errors: kUnsupported when oneDNN has been used
/// already.
Status limit_isa(Isa isa);

/// The version of oneDNN in use, for example "2.6.3".
std::string dnnl_version();

/// Number of threads of a parallel kernel that the calling thread starts. `count` <= 0: all cores.
void set_threads(int count);
int threads();

}  // namespace mien::kernels
