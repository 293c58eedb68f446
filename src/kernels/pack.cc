#include "kernels/pack.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mien::kernels {
namespace {

// As float_to_bf16, inlined.
inline std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

}  // namespace

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
      16;  // inputs at a time: a cache line of the source, which may be unaligned
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
