#include <immintrin.h>

#include "kernels/attention_bf16.h"
#include "kernels/int8.h"
#include "kernels/vector_ops.h"

namespace mien::kernels {
namespace {
constexpr int kVectorBytes = 64;
}  // namespace
}  // namespace mien::kernels

#include "kernels/vector_ops.inc"

namespace mien::kernels {

const VectorOps& vector_ops_avx512_bf16() {
  static constexpr VectorOps kOps{layer_norm_row, attention_head, to_bf16_row,        quantise_row,
                                  int8_finish,    finish,         attention_head_bf16};
  return kOps;
}

}  // namespace mien::kernels
