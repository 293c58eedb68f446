#include "kernels/pack.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mien::kernels {
namespace {

constexpr std::int64_t kOutBlock = 64;
constexpr std::int64_t kInBlock = 16;

// As float_to_bf16, inlined.
inline std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

// Index of (a, b) inside a block: 16 rows of 64 outputs.
struct F32Block {
  using Element = float;
  static constexpr std::int64_t at(std::int64_t a, std::int64_t b) { return b * kOutBlock + a; }
  static float convert(float x) { return x; }
};

// 8 rows of 64 outputs, two inputs side by side.
struct Bf16Block {
  using Element = std::uint16_t;
  static constexpr std::int64_t at(std::int64_t a, std::int64_t b) {
    return b / 2 * (2 * kOutBlock) + 2 * a + b % 2;
  }
  static std::uint16_t convert(float x) { return to_bf16(x); }
};

template <class Block>
void pack_blocks(const float* source, std::int64_t out, std::int64_t in, std::int64_t out_stride,
                 std::int64_t in_stride, typename Block::Element* packed) {
  const std::int64_t columns = in / kInBlock;
#pragma omp parallel for schedule(static)
  for (std::int64_t a0 = 0; a0 < out / kOutBlock; ++a0) {
    for (std::int64_t b0 = 0; b0 < columns; ++b0) {
      const float* from = source + a0 * kOutBlock * in + b0 * kInBlock;
      typename Block::Element* to = packed + a0 * out_stride + b0 * in_stride;
      for (std::int64_t a = 0; a < kOutBlock; ++a) {
        float row[kInBlock];  // the map may be unaligned
        std::memcpy(row, from + a * in, sizeof(row));
        for (std::int64_t b = 0; b < kInBlock; ++b) to[Block::at(a, b)] = Block::convert(row[b]);
      }
    }
  }
}

}  // namespace

bool pack_weights(const float* source, std::int64_t out, std::int64_t in,
                  const dnnl::memory::desc& layout, void* packed) {
  if (out % kOutBlock != 0 || in % kInBlock != 0) return false;
  const auto& desc = layout.data;
  if (desc.format_kind != dnnl_blocked || desc.ndims != 2 || desc.offset0 != 0 ||
      desc.padded_dims[0] != out || desc.padded_dims[1] != in || desc.extra.flags != 0) {
    return false;
  }
  const auto& blocking = desc.format_desc.blocking;
  const auto inner = [&](int k, int size, int axis) {
    return blocking.inner_blks[k] == size && blocking.inner_idxs[k] == axis;
  };
  if (desc.data_type == dnnl_f32 && blocking.inner_nblks == 2 && inner(0, 16, 1) &&
      inner(1, 64, 0)) {
    pack_blocks<F32Block>(source, out, in, blocking.strides[0], blocking.strides[1],
                          static_cast<float*>(packed));
    return true;
  }
  if (desc.data_type == dnnl_bf16 && blocking.inner_nblks == 3 && inner(0, 8, 1) &&
      inner(1, 64, 0) && inner(2, 2, 1)) {
    pack_blocks<Bf16Block>(source, out, in, blocking.strides[0], blocking.strides[1],
                           static_cast<std::uint16_t*>(packed));
    return true;
  }
  return false;
}

void pack_taps_f32(const float* source, std::int64_t in, std::int64_t taps, std::int64_t n,
                   float* packed) {
  for (std::int64_t b = 0; b < in; ++b) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const float* from = source + b * taps + tap;
      float* row = packed + (tap * in + b) * n;
      for (std::int64_t a = 0; a < n; ++a) row[a] = from[a * in * taps];
    }
  }
}

void pack_taps_bf16(const float* source, std::int64_t in, std::int64_t taps, std::int64_t n,
                    std::uint16_t* packed) {
  for (std::int64_t b = 0; b < in; b += 2) {
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const float* from = source + b * taps + tap;
      std::uint16_t* row = packed + (tap * in + b) * n;
      for (std::int64_t a = 0; a < n; ++a) {
        row[2 * a] = to_bf16(from[a * in * taps]);
        row[2 * a + 1] = to_bf16(from[a * in * taps + taps]);
      }
    }
  }
}

void pack_panel(const float* source, std::int64_t in, std::int64_t out, std::int64_t first,
                std::int64_t n, bool in_out, bool bf16, void* packed) {
  const std::int64_t along = in_out ? out : 1, across = in_out ? 1 : in;
  constexpr std::int64_t kBlock =
      16;  // inputs at a time: a line of the source, which may be unaligned
  for (std::int64_t b0 = 0; b0 < in; b0 += kBlock) {
    const std::int64_t end = std::min(in, b0 + kBlock);
    for (std::int64_t a = 0; a < n; ++a) {
      const float* from = source + (first + a) * across;
      for (std::int64_t b = b0; b < end; ++b) {
        float value;
        std::memcpy(&value, from + b * along, sizeof(value));
        if (bf16) {
          static_cast<std::uint16_t*>(packed)[(b / 2 * n + a) * 2 + b % 2] = to_bf16(value);
        } else {
          static_cast<float*>(packed)[b * n + a] = value;
        }
      }
    }
  }
}

}  // namespace mien::kernels
