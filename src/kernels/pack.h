#pragma once

#include <cstdint>

namespace mien::kernels {

/// The weights [n, in, taps] of a group of outputs as [taps, in, n].
void pack_taps_f32(const float* source, std::int64_t in, std::int64_t taps, std::int64_t n,
                   float* packed);
/// The same as [taps, in / 2, n, 2], in bf16. Precondition: `in` is even.
void pack_taps_bf16(const float* source, std::int64_t in, std::int64_t taps, std::int64_t n,
                    std::uint16_t* packed);

/// Outputs [first, first + n) of a matrix [out, in] (or [in, out]) as [in, n], or in bf16 as
/// [in / 2, n, 2].
void pack_panel(const float* source, std::int64_t in, std::int64_t out, std::int64_t first,
                std::int64_t n, bool in_out, bool bf16, void* packed);

}  // namespace mien::kernels
