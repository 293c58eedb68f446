#pragma once

#include <cstdint>

#include "mien/kernels/cpu.h"
#include "mien/kernels/linear.h"

namespace mien::kernels {

/// Layer norm: rows of `x` to zero mean and unit variance, times `gain`, plus `bias`.
/// Shape: x [rows, width] float32 -> out [rows, width] of type `output` (kInt8: quantised rows).
struct LayerNormArgs {
  const float* x = nullptr;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  std::int64_t row_stride = 0;  ///< elements between rows of x; 0: width
  const float* gain = nullptr;
  const float* bias = nullptr;
  float eps = 1e-5F;
  /// Row r of out comes from row places[r % period] + r / period * period of x; null: from row r.
  const std::int32_t* places = nullptr;
  std::int64_t period = 0;
  void* out = nullptr;
  Precision output = Precision::kF32;
};
void layer_norm(const LayerNormArgs& args);

/// Multi-head attention over packed projections.
/// Shape: qkv [batch, tokens, 3 * heads * head_width] of type `input`, thirds q, k, v, each
/// head-major -> out [batch, tokens, heads * head_width]. Units: scores are scaled by
/// head_width^-0.5. `causal`: a token sees itself and earlier ones. Precondition: head_width is a
/// multiple of 16.
struct AttentionArgs {
  const void* qkv = nullptr;
  Precision input = Precision::kF32;  ///< kF32, or the result of attention_input()
  std::int64_t batch = 0;
  std::int64_t tokens = 0;
  std::int64_t heads = 0;
  std::int64_t head_width = 0;
  bool causal = false;
  std::int64_t queries =
      0;  ///< only the first `queries` tokens are queries (out is [batch, queries, ...]); 0: all
  /// Added to the scores: tables of [heads, tokens, tokens padded with zeros to a multiple of 16].
  const float* bias = nullptr;
  /// The table of batch entry b is bias_of[b % bias_period]; null: the first for all.
  const std::int32_t* bias_of = nullptr;
  std::int64_t bias_period = 0;
  void* out = nullptr;
  Precision output = Precision::kF32;
};
void attention(const AttentionArgs& args, Workspace& workspace);

/// The fastest type of q, k and v for layers of a precision: kBf16 for kBf16 and kInt8 if the CPU
/// multiplies it, otherwise kF32.
Precision attention_input(Precision layers);

/// Adds row r of `rows` to row places[r % period] + r / period * period of x, in float32.
void add_rows_to(const float* rows, std::int64_t count, std::int64_t width,
                 const std::int32_t* places, std::int64_t period, float* x);

/// The mean of every `each` consecutive rows. Shape: x [count * each, width] -> out [count, width]
/// float32; x has type `input`.
void mean_of_rows(const void* x, Precision input, std::int64_t count, std::int64_t each,
                  std::int64_t width, float* out);

/// 3 x 3 max pooling with stride 2 and padding 1. Shape: x [count, side, side, channels] -> out
/// [count, half, half, channels] of the same type, half = (side + 1) / 2. Precondition: no negative
/// values (after a relu).
void max_pool_3x3(const void* x, Precision type, std::int64_t count, std::int64_t side,
                  std::int64_t channels, void* out);

/// Scales every row to unit length; a row of zeros stays zero.
void l2_normalize_rows(float* x, std::int64_t rows, std::int64_t width);

/// Quantises each row for Linear with kInt8: to 0..255 with its own scale and zero point. Shape: x
/// [rows, width] of type `input`, kF32 or kBf16 -> out rows * quantised_row_bytes(width).
void quantise_rows(const void* x, Precision input, std::int64_t rows, std::int64_t width,
                   void* out);

/// Rounds to bf16, nearest even.
void to_bf16(const float* x, std::int64_t count, std::uint16_t* out);

/// The same operations on a given instruction set, for tests and benchmarks. Precondition: the CPU
/// has it.
void layer_norm_on(Isa isa, const LayerNormArgs& args);
void attention_on(Isa isa, const AttentionArgs& args, Workspace& workspace);
void quantise_rows_on(Isa isa, const void* x, Precision input, std::int64_t rows,
                      std::int64_t width, void* out);

}  // namespace mien::kernels
