#pragma once

// One table of row kernels per instruction set. The same source (vector_ops.inc) is compiled for
// each.
#include <cstdint>

namespace mien::kernels {

struct LayerNormRow {
  const float* x;
  std::int64_t width;
  const float* gain;
  const float* bias;
  float eps;
  void* out;
  bool out_bf16;
};

struct AttentionHead {
  const float* q;  // rows are `stride` elements apart
  const float* k;
  const float* v;
  std::int64_t stride;
  std::int64_t tokens;
  std::int64_t queries;  // the first so many tokens ask
  std::int64_t width;
  float scale;
  bool causal;
  const float* bias;  // [tokens, tokens padded to 16], or null
  void* out;
  std::int64_t out_stride;
  bool out_bf16;
  float* scratch;  // attention_scratch(tokens, width) floats
};

struct VectorOps {
  void (*layer_norm_row)(const LayerNormRow&);
  void (*attention_head)(const AttentionHead&);
  void (*to_bf16)(const float* x, std::int64_t count, std::uint16_t* out);
};

/// Floats of scratch that attention_head needs, for any instruction set.
std::int64_t attention_scratch(std::int64_t tokens, std::int64_t width);

const VectorOps& vector_ops_generic();
const VectorOps& vector_ops_avx2();
const VectorOps& vector_ops_avx512();

}  // namespace mien::kernels
