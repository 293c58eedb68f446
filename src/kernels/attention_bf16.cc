// Attention of one head on bf16 products (AVX512_BF16); the softmax is in float32.
#include "kernels/attention_bf16.h"

#include <immintrin.h>

namespace mien::kernels {
namespace {

using Word = std::uint32_t;  // two bf16 values that are multiplied together

constexpr std::int64_t kLanes = 16;
constexpr std::int64_t kQueries = 24;
constexpr int kRows = 6;

inline __m512bh as_bf16(__m512i bits) {
  __m512bh out;
  __builtin_memcpy(&out, &bits, sizeof(out));
  return out;
}

inline __m512i splat_word(const Word* from) {
  int word;
  __builtin_memcpy(&word, from, sizeof(word));
  return _mm512_set1_epi32(word);
}

// dst[r][c] = sum over words k < depth of a[r][k] . b[k][c].
template <int kHigh, int kWide>
inline void tile(const Word* a, std::int64_t a_stride, const Word* b, std::int64_t b_stride,
                 std::int64_t depth, float* dst, std::int64_t dst_stride) {
  __m512 acc[kHigh][kWide];
#pragma GCC unroll 6
  for (int r = 0; r < kHigh; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kWide; ++c) acc[r][c] = _mm512_setzero_ps();
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    __m512i column[kWide];
#pragma GCC unroll 4
    for (int c = 0; c < kWide; ++c) column[c] = _mm512_loadu_si512(b + k * b_stride + c * kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < kHigh; ++r) {
      const __m512bh x = as_bf16(splat_word(a + r * a_stride + k));
#pragma GCC unroll 4
      for (int c = 0; c < kWide; ++c)
        acc[r][c] = _mm512_dpbf16_ps(acc[r][c], x, as_bf16(column[c]));
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kHigh; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kWide; ++c) _mm512_storeu_ps(dst + r * dst_stride + c * kLanes, acc[r][c]);
  }
}

struct Product {
  const Word* a;
  std::int64_t a_stride;
  const Word* b;
  std::int64_t b_stride;
  std::int64_t depth;  // words
  float* dst;
  std::int64_t dst_stride;
};

template <int kHigh>
void tile_row(const Product& p, std::int64_t columns) {
  std::int64_t left = columns / kLanes;
  for (std::int64_t c = 0; left > 0;) {
    // Four vectors at a time, but five as three and two: a single one would wait for its own
    // latency.
    const std::int64_t wide = left == 5 ? 3 : left < 4 ? left : 4;
    const Word* b = p.b + c;
    float* dst = p.dst + c;
    switch (wide) {
      case 4: tile<kHigh, 4>(p.a, p.a_stride, b, p.b_stride, p.depth, dst, p.dst_stride); break;
      case 3: tile<kHigh, 3>(p.a, p.a_stride, b, p.b_stride, p.depth, dst, p.dst_stride); break;
      case 2: tile<kHigh, 2>(p.a, p.a_stride, b, p.b_stride, p.depth, dst, p.dst_stride); break;
      default: tile<kHigh, 1>(p.a, p.a_stride, b, p.b_stride, p.depth, dst, p.dst_stride); break;
    }
    c += wide * kLanes;
    left -= wide;
  }
}

void multiply(Product p, std::int64_t rows, std::int64_t columns) {
  for (; rows > 0; rows -= kRows) {
    switch (rows) {
      case 1: tile_row<1>(p, columns); break;
      case 2: tile_row<2>(p, columns); break;
      case 3: tile_row<3>(p, columns); break;
      case 4: tile_row<4>(p, columns); break;
      case 5: tile_row<5>(p, columns); break;
      default: tile_row<kRows>(p, columns); break;
    }
    p.a += kRows * p.a_stride;
    p.dst += kRows * p.dst_stride;
  }
}

// 16 rows of 16 words, transposed.
inline void turn(const Word* const* from, Word* to, std::int64_t to_stride) {
  __m512i a[16];
  __m512i b[16];
  for (int i = 0; i < 16; ++i) a[i] = _mm512_loadu_si512(from[i]);
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    const __m512i low = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
    const __m512i low_odd = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xDD);
    const __m512i high = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
    const __m512i high_odd = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xDD);
    _mm512_storeu_si512(to + i * to_stride, _mm512_shuffle_i32x4(low, high, 0x88));
    _mm512_storeu_si512(to + (i + 4) * to_stride, _mm512_shuffle_i32x4(low_odd, high_odd, 0x88));
    _mm512_storeu_si512(to + (i + 8) * to_stride, _mm512_shuffle_i32x4(low, high, 0xDD));
    _mm512_storeu_si512(to + (i + 12) * to_stride, _mm512_shuffle_i32x4(low_odd, high_odd, 0xDD));
  }
}

// keys [tokens, width] -> [width / 2, padded] words; columns after the tokens are zero.
void turn_keys(const AttentionHead& a, std::int64_t padded, Word* out) {
  alignas(64) static constexpr Word kZeros[16] = {};
  const auto* keys = static_cast<const std::uint16_t*>(a.k);
  const std::int64_t words = a.width / 2;
  for (std::int64_t t = 0; t < padded; t += 16) {
    for (std::int64_t w = 0; w < words; w += 16) {
      const std::int64_t at = words - w < 16 ? words - 16 : w;  // the last words overlap
      const Word* from[16];
      alignas(64) Word part[16][16];
      for (std::int64_t i = 0; i < 16; ++i) {
        if (t + i >= a.tokens) {
          from[i] = kZeros;
          continue;
        }
        const std::uint16_t* row = keys + (t + i) * a.stride + (words < 16 ? 0 : 2 * at);
        if (words < 16) {  // width 16: half a vector
          __builtin_memset(part[i], 0, sizeof(part[i]));
          __builtin_memcpy(part[i], row, static_cast<std::size_t>(words) * sizeof(Word));
          from[i] = part[i];
        } else {
          __builtin_memcpy(part[i], row, sizeof(part[i]));
          from[i] = part[i];
        }
      }
      if (words < 16) {
        alignas(64) Word turned[16][16];
        turn(from, turned[0], 16);
        for (std::int64_t i = 0; i < words; ++i) {
          __builtin_memcpy(out + i * padded + t, turned[i], sizeof(turned[i]));
        }
      } else {
        turn(from, out + at * padded + t, padded);
      }
    }
  }
}

// values [tokens, width] -> [padded / 2, width] words of two tokens.
void pair_values(const AttentionHead& a, std::int64_t padded, Word* out) {
  const auto* values = static_cast<const std::uint16_t*>(a.v);
  for (std::int64_t t = 0; t < padded; t += 2) {
    for (std::int64_t c = 0; c < a.width; c += kLanes) {
      const auto wide = [&](std::int64_t token) {
        if (token >= a.tokens) return _mm512_setzero_si512();
        __m256i half;
        __builtin_memcpy(&half, values + token * a.stride + c, sizeof(half));
        return _mm512_cvtepu16_epi32(half);
      };
      _mm512_storeu_si512(out + t / 2 * a.width + c,
                          _mm512_or_si512(wide(t), _mm512_slli_epi32(wide(t + 1), 16)));
    }
  }
}

// 2^x for x <= 0, relative error below 5e-6, far below the rounding to bf16.
inline __m512 power_of_two(__m512 x) {
  const __m512 whole = _mm512_roundscale_ps(x, 0x08);
  const __m512 r = _mm512_sub_ps(x, whole);
  __m512 p = _mm512_set1_ps(9.6181291e-3F);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.5504109e-2F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(2.4022651e-1F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(6.9314718e-1F));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0F));
  return _mm512_scalef_ps(p, whole);
}

// Turns scores into weights that are not yet divided by their sum, which is returned.
float soften(float* scores, const float* bias, float scale, std::int64_t visible,
             std::int64_t padded, std::uint16_t* weights) {
  const __m512 factor = _mm512_set1_ps(scale * 1.44269504088896341F);
  const __m512 log2e = _mm512_set1_ps(1.44269504088896341F);
  const __m512 least = _mm512_set1_ps(-__builtin_inff());
  const std::int64_t body = visible / kLanes * kLanes;
  const auto rest = static_cast<__mmask16>((1U << (visible - body)) - 1U);
  __m512 best = least;
  for (std::int64_t i = 0; i < padded; i += kLanes) {
    const auto mask = static_cast<__mmask16>(i < body ? 0xFFFFU : i == body ? rest : 0U);
    __m512 x = _mm512_mul_ps(_mm512_loadu_ps(scores + i), factor);
    if (bias != nullptr) x = _mm512_fmadd_ps(_mm512_loadu_ps(bias + i), log2e, x);
    x = _mm512_mask_mov_ps(least, mask, x);
    best = _mm512_max_ps(best, x);
    _mm512_storeu_ps(scores + i, x);
  }
  const __m512 top = _mm512_set1_ps(_mm512_reduce_max_ps(best));
  __m512 total = _mm512_setzero_ps();
  for (std::int64_t i = 0; i < padded; i += kLanes) {
    const __m512 e = power_of_two(_mm512_sub_ps(_mm512_loadu_ps(scores + i), top));
    total = _mm512_add_ps(total, e);
    const __m256bh half = _mm512_cvtneps_pbh(e);
    __builtin_memcpy(weights + i, &half, sizeof(half));
  }
  return _mm512_reduce_add_ps(total);
}

void write_row(const AttentionHead& a, const float* row, float factor, std::int64_t query) {
  const __m512 by = _mm512_set1_ps(factor);
  for (std::int64_t c = 0; c < a.width; c += kLanes) {
    const __m512 y = _mm512_mul_ps(_mm512_loadu_ps(row + c), by);
    if (a.out_bf16) {
      const __m256bh half = _mm512_cvtneps_pbh(y);
      __builtin_memcpy(static_cast<std::uint16_t*>(a.out) + query * a.out_stride + c, &half,
                       sizeof(half));
    } else {
      _mm512_storeu_ps(static_cast<float*>(a.out) + query * a.out_stride + c, y);
    }
  }
}

}  // namespace

void attention_head_bf16(const AttentionHead& a) {
  const std::int64_t padded = (a.tokens + 15) / 16 * 16;
  auto* keys = reinterpret_cast<Word*>(a.scratch);                      // [width / 2, padded]
  Word* values = keys + a.width / 2 * padded;                           // [padded / 2, width]
  float* scores = a.scratch + a.width * padded;                         // [kQueries, padded]
  auto* weights = reinterpret_cast<Word*>(scores + kQueries * padded);  // [kQueries, padded / 2]
  float* block = scores + kQueries * padded + kQueries * padded / 2;    // [kQueries, width]
  turn_keys(a, padded, keys);
  pair_values(a, padded, values);
  const auto* queries = static_cast<const std::uint16_t*>(a.q);
  for (std::int64_t first = 0; first < a.queries; first += kQueries) {
    const std::int64_t rows = a.queries - first < kQueries ? a.queries - first : kQueries;
    const std::int64_t seen = a.causal ? first + rows : a.tokens;
    const std::int64_t columns = (seen + kLanes - 1) / kLanes * kLanes;
    // Rows of bf16 start at even indices: two values are one word.
    multiply({reinterpret_cast<const Word*>(queries + first * a.stride), a.stride / 2, keys, padded,
              a.width / 2, scores, padded},
             rows, columns);
    float sums[kQueries];
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* bias = a.bias == nullptr ? nullptr : a.bias + (first + r) * padded;
      sums[r] = soften(scores + r * padded, bias, a.scale, a.causal ? first + r + 1 : a.tokens,
                       columns, reinterpret_cast<std::uint16_t*>(weights + r * (padded / 2)));
    }
    multiply({weights, padded / 2, values, a.width, columns / 2, block, a.width}, rows, a.width);
    for (std::int64_t r = 0; r < rows; ++r) {
      write_row(a, block + r * a.width, 1.0F / sums[r], first + r);
    }
  }
}

}  // namespace mien::kernels
