#pragma once

// One table of row kernels per instruction set; the same source (vector_ops.inc) is compiled for
// each.
#include <cstddef>
#include <cstdint>

#include "mien/kernels/cpu.h"
#include "mien/kernels/linear.h"

namespace mien::kernels {

/// Type in which a row of results is stored.
enum class RowType { kF32, kBf16, kBytes, kPairs };  // the last two: quantised, int8.h

struct LayerNormRow {
  const float* x;
  std::int64_t width;
  const float* gain;
  const float* bias;
  float eps;
  void* out;
  RowType type;
};

/// Quantises one row to 0..255 with its own scale and zero point. The range always includes 0.
struct QuantiseRow {
  const void* x;
  bool x_bf16;
  std::int64_t width;
  std::byte* out;  // as int8.h says
  RowType type;    // kBytes or kPairs
};

/// From the integer sums of a tile to results:
/// activation((sum - zero * column_sum) * row scale * column scale + bias).
struct Int8Finish {
  const std::int32_t* sums;  // [rows, 64]
  const std::byte* heads;    // RowHead of the first row; the others follow row_stride bytes apart
  std::int64_t row_stride;
  std::int64_t rows;
  std::int64_t columns;  // of the 64
  const float* column_scale;
  const std::int32_t* column_sum;
  const float* bias;  // these three have 64 values, whatever `columns` is
  Activation activation;
  bool accumulate;
  bool out_bf16;
  void* out;
  std::int64_t out_stride;  // elements
};

/// From float32 sums to results: activation(sum), or out + sum.
struct Finish {
  const float* sums;
  std::int64_t sums_stride;
  std::int64_t rows;
  std::int64_t columns;  // a multiple of 16
  Activation activation;
  bool accumulate;
  bool out_bf16;
  void* out;
  std::int64_t out_stride;  // elements
};

struct AttentionHead {
  const void* q;  // float, or bf16 for attention_head_bf16; rows are `stride` elements apart
  const void* k;
  const void* v;
  std::int64_t stride;
  std::int64_t tokens;
  std::int64_t queries;  // the first `queries` tokens are queries
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
  void (*quantise_row)(const QuantiseRow&);
  void (*int8_finish)(const Int8Finish&);
  void (*finish)(const Finish&);
  void (*attention_head_bf16)(const AttentionHead&);  // nullptr: none
};

/// The best table for an instruction set on this CPU. Precondition: the CPU has it.
const VectorOps& vector_ops(Isa isa);

/// Floats of scratch that attention_head needs, for any instruction set.
std::int64_t attention_scratch(std::int64_t tokens, std::int64_t width);

const VectorOps& vector_ops_generic();
const VectorOps& vector_ops_avx2();
const VectorOps& vector_ops_avx512();
const VectorOps& vector_ops_avx512_bf16();

}  // namespace mien::kernels
