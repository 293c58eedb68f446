#include <immintrin.h>

#include <cstring>

#include "image/resize_internal.h"

namespace mien::image {
namespace {

constexpr std::int32_t kHalf = 1 << (kPrecisionBits - 1);

// Shifts the sums down and clamps them to 0..255; byte i of the result is from lane i.
[[gnu::target("avx2")]] inline __m128i to_bytes(__m256i sums) {
  const __m256i values = _mm256_srai_epi32(sums, kPrecisionBits);
  const __m128i words =
      _mm_packs_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
  return _mm_packus_epi16(words, words);
}

[[gnu::target("avx2")]] inline __m256i load_bytes(const std::uint8_t* p) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
}

// A pixel of each row: red, green, blue and a lane whose sum is ignored.
[[gnu::target("avx2")]] inline __m256i load_pixels(const std::uint8_t* a, const std::uint8_t* b) {
  std::int32_t low = 0;
  std::int32_t high = 0;
  std::memcpy(&low, a, 4);
  std::memcpy(&high, b, 4);
  return _mm256_cvtepu8_epi32(_mm_insert_epi32(_mm_cvtsi32_si128(low), high, 1));
}

[[gnu::target("avx2")]] void horizontal(const std::uint8_t* const* in,
                                        const Taps<std::int32_t>& taps, std::uint8_t* const* out) {
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const std::uint8_t* a = in[0] + std::ptrdiff_t{3} * taps.first[i];
    const std::uint8_t* b = in[1] + std::ptrdiff_t{3} * taps.first[i];
    const std::int32_t* w = taps.row(i);
    __m256i even = _mm256_set1_epi32(kHalf);
    __m256i odd = _mm256_setzero_si256();
    int left = taps.count[i];
    for (; left >= 2; left -= 2, a += 6, b += 6, w += 2) {
      even = _mm256_add_epi32(even, _mm256_mullo_epi32(load_pixels(a, b), _mm256_set1_epi32(w[0])));
      odd = _mm256_add_epi32(
          odd, _mm256_mullo_epi32(load_pixels(a + 3, b + 3), _mm256_set1_epi32(w[1])));
    }
    if (left > 0) {
      even = _mm256_add_epi32(even, _mm256_mullo_epi32(load_pixels(a, b), _mm256_set1_epi32(w[0])));
    }
    std::uint8_t bytes[16];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes), to_bytes(_mm256_add_epi32(even, odd)));
    std::memcpy(out[0] + 3 * i, bytes, 3);
    std::memcpy(out[1] + 3 * i, bytes + 4, 3);
  }
}

[[gnu::target("avx2")]] void vertical(const std::uint8_t* in, std::ptrdiff_t stride, int count,
                                      const std::int32_t* weights, std::size_t n,
                                      std::uint8_t* out) {
  std::size_t x = 0;
  for (; x + 32 <= n; x += 32) {
    __m256i sums[4];
    for (__m256i& sum : sums) sum = _mm256_set1_epi32(kHalf);
    const std::uint8_t* p = in + x;
    for (int t = 0; t < count; ++t, p += stride) {
      const __m256i w = _mm256_set1_epi32(weights[t]);
      for (int k = 0; k < 4; ++k) {
        sums[k] = _mm256_add_epi32(sums[k], _mm256_mullo_epi32(load_bytes(p + 8 * k), w));
      }
    }
    for (int k = 0; k < 4; ++k) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(out + x + 8 * k), to_bytes(sums[k]));
    }
  }
  if (x < n) {
    kResizeLoopsGeneric.vertical(in + x, stride, count, weights, n - x, out + x);
  }
}

constexpr ResizeLoops kLoops{horizontal, vertical};

}  // namespace

const ResizeLoops* find_resize_loops_avx2() {
  return __builtin_cpu_supports("avx2") != 0 ? &kLoops : nullptr;
}

}  // namespace mien::image
