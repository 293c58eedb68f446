#include "kernels/vector_ops.h"

#include "kernels/int8.h"

namespace mien::kernels {
namespace {
constexpr int kVectorBytes = 16;
}  // namespace
}  // namespace mien::kernels

#include "kernels/vector_ops.inc"

namespace mien::kernels {

const VectorOps& vector_ops_generic() {
  static constexpr VectorOps kOps{layer_norm_row, attention_head, to_bf16_row, quantise_row,
                                  int8_finish,    finish,         nullptr};
  return kOps;
}

}  // namespace mien::kernels
