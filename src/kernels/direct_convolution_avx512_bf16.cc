#include <immintrin.h>

#include <cstring>

#include "kernels/direct_kernels.h"

namespace mien::kernels {
namespace {

struct Math {
  using Element = std::uint16_t;
  using Block = __m512;
  using Weights = __m512bh;
  static constexpr int kPair = 2;
  static Weights load(const std::uint16_t* from) {
    return reinterpret_cast<__m512bh>(_mm512_loadu_si512(from));
  }
  static __m512bh spread(const std::uint16_t* from) {
    std::int32_t pair;
    std::memcpy(&pair, from, sizeof(pair));
    return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
  }
  static Block multiply_add(Block sum, __m512bh x, Weights w) {
    return _mm512_dpbf16_ps(sum, w, x);
  }
  static Block read(const std::uint16_t* from) {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
  }
  static void write(std::uint16_t* to, Block block) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                        reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(block)));
  }
};

#include "kernels/direct_convolution.inc"

}  // namespace

const DirectKernels& direct_kernels_avx512_bf16() {
  static constexpr DirectKernels kAll = all_kernels();
  return kAll;
}

}  // namespace mien::kernels
