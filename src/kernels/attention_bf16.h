#pragma once

#include "kernels/vector_ops.h"

namespace mien::kernels {

/// As VectorOps::attention_head, with q, k and v in bf16, rows at even indices. Precondition: the
/// CPU has AVX512_BF16. Scores are kept for a block of queries at a time, never as a whole matrix.
void attention_head_bf16(const AttentionHead& a);

}  // namespace mien::kernels
