#pragma once

// No library types here: files compiled for one instruction set each include this.
#include <cstdint>

#include "kernels/ahead.h"

namespace mien::kernels {

/// Most output positions of a tile.
constexpr std::int64_t kTilePositions = 9;

/// What a tile computes: sums over taps and inputs for `positions` output positions of one group of
/// channels.
struct DirectTile {
  const void* const* sources;  ///< [taps, positions]: the inputs of an output position at a tap
  std::int64_t taps;
  std::int64_t in;
  const void* weights;  ///< [taps, in / pair, group, pair]
  const float* bias;    ///< [group]
  void* out;            ///< of the first position and channel
  std::int64_t stride;  ///< elements between positions of `out`
  bool relu;
  bool accumulate;
  Ahead ahead;  ///< a step is a pair of inputs at a tap
};
using DirectKernel = void (*)(const DirectTile&);

/// Kernels for 1 to kTilePositions positions, and groups of 16, 32, 48 and 64 channels; nullptr
/// where a tile of that size does not fit in the registers.
struct DirectKernels {
  DirectKernel at[kTilePositions][4];
  DirectKernel sums[kTilePositions][4];  ///< write float32 and know neither relu nor accumulate
};
/// Channels per group for `out` outputs: preferably 48, of which 9 positions fill the registers
/// best; 0 when no group size divides them.
std::int64_t direct_group(std::int64_t out);
/// Positions of a tile with such a group.
constexpr std::int64_t positions_of(std::int64_t group) { return group == 64 ? 6 : kTilePositions; }

const DirectKernels& direct_kernels_avx512();
const DirectKernels& direct_kernels_avx512_bf16();

}  // namespace mien::kernels
