#include <immintrin.h>

#include "kernels/direct_kernels.h"

namespace mien::kernels {
namespace {

struct Math {
  using Element = float;
  using Block = __m512;
  using Weights = __m512;
  static constexpr int kPair = 1;
  static Weights load(const float* from) { return _mm512_loadu_ps(from); }
  static __m512 spread(const float* from) { return _mm512_set1_ps(*from); }
  static Block multiply_add(Block sum, __m512 x, Weights w) { return _mm512_fmadd_ps(x, w, sum); }
  static Block read(const float* from) { return _mm512_loadu_ps(from); }
  static void write(float* to, Block block) { _mm512_storeu_ps(to, block); }
};

#include "kernels/direct_convolution.inc"

}  // namespace

const DirectKernels& direct_kernels_avx512() {
  static constexpr DirectKernels kAll = all_kernels();
  return kAll;
}

}  // namespace mien::kernels
