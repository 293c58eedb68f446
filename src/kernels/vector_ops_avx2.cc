#include "kernels/vector_ops.h"

#include "kernels/int8.h"

namespace mien::kernels {
namespace {
constexpr int kVectorBytes = 32;
}  // namespace
}  // namespace mien::kernels

#include "kernels/vector_ops.inc"

namespace mien::kernels {

const VectorOps& vector_ops_avx2() {
  static constexpr VectorOps kOps{layer_norm_row, attention_head, to_bf16_row, quantise_row,
                                  int8_finish,    finish,         nullptr};
  return kOps;
}

}  // namespace mien::kernels
