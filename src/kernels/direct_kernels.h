#pragma once

// No library types here: the files that include this are compiled for one instruction set each.
#include <cstdint>

#include "kernels/ahead.h"

namespace mien::kernels {

/// Output places of a tile at most.
constexpr std::int64_t kTilePlaces = 9;

/// What a tile computes: sums over taps and inputs for `places` outputs of one group of channels.
struct DirectTile {
  const void* const* sources;  ///< [taps, places]: the inputs of a place at a tap
  std::int64_t taps;
  std::int64_t in;
  const void* weights;  ///< [taps, in / pair, group, pair]
  const float* bias;    ///< [group]
  void* out;            ///< of the first place and channel
  std::int64_t stride;  ///< elements from place to place of `out`
  bool relu;
  bool accumulate;
  Ahead ahead;  ///< a step is a pair of inputs at a tap
};
using DirectKernel = void (*)(const DirectTile&);

/// Kernels for 1 to kTilePlaces places, and groups of 16, 32, 48 and 64 channels; nullptr where a
/// tile of that size does not fit the registers.
struct DirectKernels {
  DirectKernel at[kTilePlaces][4];
  DirectKernel sums[kTilePlaces][4];  ///< write float32 and know neither relu nor accumulate
};
/// Channels of a group for `out` outputs: 48 first, of which 9 places fill the registers best; 0
/// where none divides them.
std::int64_t direct_group(std::int64_t out);
/// Places of a tile of such a group.
constexpr std::int64_t places_of(std::int64_t group) { return group == 64 ? 6 : kTilePlaces; }

const DirectKernels& direct_kernels_avx512();
const DirectKernels& direct_kernels_avx512_bf16();

}  // namespace mien::kernels
