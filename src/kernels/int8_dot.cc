#include <cstddef>
#include <cstring>

#include "kernels/int8.h"
#include "mien/core/check.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mien::kernels {
namespace {

using Fixed = void (*)(const std::byte*, std::int64_t, const std::byte*, std::int64_t,
                       std::int32_t*, Ahead);

// Pairs of 16 bits, as in the wider versions below, which are tested against this one.
void dot_generic(const std::byte* rows, std::int64_t row_stride, std::int64_t count,
                 const std::byte* panel, std::int64_t depth, std::int32_t* sums, Ahead /*ahead*/) {
  for (std::int64_t r = 0; r < count; ++r) {
    std::int32_t* out = sums + r * kPanel;
    std::memset(out, 0, kPanel * sizeof(std::int32_t));
    for (std::int64_t k = 0; k < depth; k += 2) {
      std::int16_t x[2];
      std::int16_t w[2 * kPanel];
      std::memcpy(x, rows + r * row_stride + k * 2, sizeof(x));
      std::memcpy(w, panel + k * kPanel * 2, sizeof(w));
      for (std::int64_t c = 0; c < kPanel; ++c) out[c] += x[0] * w[2 * c] + x[1] * w[2 * c + 1];
    }
  }
}

#if defined(__x86_64__)

inline std::int32_t two_or_four(const std::byte* from) {
  std::int32_t value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <int kRows>
__attribute__((target("avx2"))) void pairs_avx2(const std::byte* rows, std::int64_t row_stride,
                                                const std::byte* panel, std::int64_t depth,
                                                std::int32_t* sums, Ahead /*ahead*/) {
  for (std::int64_t first = 0; first < kPanel; first += 16) {
    __m256i acc[kRows][2];
    for (auto& row : acc) row[0] = row[1] = _mm256_setzero_si256();
    for (std::int64_t k = 0; k < depth; k += 2) {
      const std::byte* from = panel + (k * kPanel + 2 * first) * 2;
      const __m256i w0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
      const __m256i w1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 32));
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const __m256i x = _mm256_set1_epi32(two_or_four(rows + r * row_stride + k * 2));
        acc[r][0] = _mm256_add_epi32(acc[r][0], _mm256_madd_epi16(x, w0));
        acc[r][1] = _mm256_add_epi32(acc[r][1], _mm256_madd_epi16(x, w1));
      }
    }
    for (int r = 0; r < kRows; ++r) {
      auto* out = reinterpret_cast<__m256i*>(sums + r * kPanel + first);
      _mm256_storeu_si256(out, acc[r][0]);
      _mm256_storeu_si256(out + 1, acc[r][1]);
    }
  }
}

template <int kRows>
__attribute__((target("avx512f,avx512bw"))) void pairs_avx512(const std::byte* rows,
                                                              std::int64_t row_stride,
                                                              const std::byte* panel,
                                                              std::int64_t depth,
                                                              std::int32_t* sums, Ahead /*ahead*/) {
  for (std::int64_t first = 0; first < kPanel; first += 32) {
    __m512i acc[kRows][2];
    for (auto& row : acc) row[0] = row[1] = _mm512_setzero_si512();
    for (std::int64_t k = 0; k < depth; k += 2) {
      const std::byte* from = panel + (k * kPanel + 2 * first) * 2;
      const __m512i w0 = _mm512_loadu_si512(from);
      const __m512i w1 = _mm512_loadu_si512(from + 64);
#pragma GCC unroll 6
      for (int r = 0; r < kRows; ++r) {
        const __m512i x = _mm512_set1_epi32(two_or_four(rows + r * row_stride + k * 2));
        acc[r][0] = _mm512_add_epi32(acc[r][0], _mm512_madd_epi16(x, w0));
        acc[r][1] = _mm512_add_epi32(acc[r][1], _mm512_madd_epi16(x, w1));
      }
    }
    for (int r = 0; r < kRows; ++r) {
      _mm512_storeu_si512(sums + r * kPanel + first, acc[r][0]);
      _mm512_storeu_si512(sums + r * kPanel + first + 16, acc[r][1]);
    }
  }
}

template <int kRows>
__attribute__((target("avx512f,avx512bw,avx512vnni"))) void quads_vnni(
    const std::byte* rows, std::int64_t row_stride, const std::byte* panel, std::int64_t depth,
    std::int32_t* sums, Ahead ahead) {
  constexpr int kWide = kPanel / 16;
  __m512i acc[kRows][kWide];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kWide; ++c) acc[r][c] = _mm512_setzero_si512();
  }
  for (std::int64_t k = 0; k < depth; k += 4) {
    __m512i w[kWide];
#pragma GCC unroll 4
    for (int c = 0; c < kWide; ++c) w[c] = _mm512_loadu_si512(panel + k * kPanel + c * 64);
    ahead.fetch();
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const __m512i x = _mm512_set1_epi32(two_or_four(rows + r * row_stride + k));
#pragma GCC unroll 4
      for (int c = 0; c < kWide; ++c) acc[r][c] = _mm512_dpbusd_epi32(acc[r][c], x, w[c]);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kWide; ++c) _mm512_storeu_si512(sums + r * kPanel + c * 16, acc[r][c]);
  }
}

constexpr Fixed kAvx2[] = {pairs_avx2<1>, pairs_avx2<2>, pairs_avx2<3>,
                           pairs_avx2<4>, pairs_avx2<5>, pairs_avx2<6>};
constexpr Fixed kAvx512[] = {pairs_avx512<1>, pairs_avx512<2>, pairs_avx512<3>,
                             pairs_avx512<4>, pairs_avx512<5>, pairs_avx512<6>};
constexpr Fixed kVnni[] = {quads_vnni<1>, quads_vnni<2>, quads_vnni<3>,
                           quads_vnni<4>, quads_vnni<5>, quads_vnni<6>};

template <const Fixed* kTable>
void dot_of(const std::byte* rows, std::int64_t row_stride, std::int64_t count,
            const std::byte* panel, std::int64_t depth, std::int32_t* sums, Ahead ahead) {
  kTable[count - 1](rows, row_stride, panel, depth, sums, ahead);
}

#endif

}  // namespace

Int8Layout int8_layout(Isa isa) {
  return isa == Isa::kAvx512 && has_fast_int8() ? Int8Layout::kQuads : Int8Layout::kPairs;
}

std::int64_t padded_depth(std::int64_t depth, Int8Layout layout) {
  const std::int64_t step = layout == Int8Layout::kQuads ? 4 : 2;
  return (depth + step - 1) / step * step;
}

std::int64_t row_bytes(std::int64_t depth, Int8Layout layout) {
  const std::int64_t bytes = padded_depth(depth, layout) * (layout == Int8Layout::kQuads ? 1 : 2);
  return kRowHead + (bytes + 63) / 64 * 64;
}

Int8Dot int8_dot(Isa isa) {
#if defined(__x86_64__)
  MIEN_CHECK(isa <= detect_isa());
  if (int8_layout(isa) == Int8Layout::kQuads) return dot_of<kVnni>;
  if (isa == Isa::kAvx512) return dot_of<kAvx512>;
  if (isa == Isa::kAvx2) return dot_of<kAvx2>;
#endif
  return dot_generic;
}

}  // namespace mien::kernels
