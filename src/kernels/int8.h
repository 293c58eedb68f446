#pragma once

// The parts of the int8 matrix product: each row of activations and each output channel of the
// weights is quantised by itself, and the sums are exact integers, the same on every instruction
// set.
#include <cstdint>

#include "kernels/ahead.h"
#include "mien/kernels/cpu.h"

namespace mien::kernels {

/// How the inputs of a dot product are arranged in registers.
enum class Int8Layout {
  kPairs,  ///< two at a time, both sides widened to 16 bits: any CPU
  kQuads,  ///< four at a time, unsigned by signed bytes: AVX512_VNNI
};

/// The layout for an instruction set on this CPU.
Int8Layout int8_layout(Isa isa);

/// Outputs per panel of packed weights, and rows per tile.
constexpr std::int64_t kPanel = 64;
constexpr std::int64_t kTileRows = 6;

/// Head of a quantised row; the values start kRowHead bytes after its start, as bytes (kQuads) or
/// 16-bit integers (kPairs), 0 to 255. x is about scale * (value - zero).
struct RowHead {
  float scale = 0;
  std::int32_t zero = 0;
};
constexpr std::int64_t kRowHead = 64;

/// `depth` rounded up to what a layout processes at a time.
std::int64_t padded_depth(std::int64_t depth, Int8Layout layout);
/// Bytes between quantised rows.
std::int64_t row_bytes(std::int64_t depth, Int8Layout layout);

constexpr std::int64_t kAheadDepth = 4;
/// sums[r][c] = sum over depth of rows[r] * panel[c]; the panel is packed [depth / n][64][n] with n
/// of the layout. Precondition: 0 < count <= kTileRows.
/// Shape: rows `row_stride` bytes apart (values, not heads) -> sums [count, kPanel]. A step of
/// `ahead` is kAheadDepth inputs.
using Int8Dot = void (*)(const std::byte* rows, std::int64_t row_stride, std::int64_t count,
                         const std::byte* panel, std::int64_t depth, std::int32_t* sums,
                         Ahead ahead);
/// The kernel for an instruction set. Precondition: the CPU has it.
Int8Dot int8_dot(Isa isa);

}  // namespace mien::kernels
