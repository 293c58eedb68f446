#include "kernels/ops.h"

#include <cmath>
#include <cstddef>

#include "kernels/int8.h"
#include "kernels/parallel.h"
#include "kernels/vector_ops.h"
#include "kernels/workspace.h"
#include "mien/core/check.h"

namespace mien::kernels {
namespace {

constexpr std::int64_t kManyValues = 16384;  // worth a second thread

RowType row_type(Precision precision, Isa isa) {
  if (precision == Precision::kF32) return RowType::kF32;
  if (precision == Precision::kBf16) return RowType::kBf16;
  return int8_layout(isa) == Int8Layout::kQuads ? RowType::kBytes : RowType::kPairs;
}

}  // namespace

#if defined(__x86_64__)
const VectorOps& vector_ops(Isa isa) {
  MIEN_CHECK(isa <= detect_isa());
  switch (isa) {
    case Isa::kAvx512: return has_fast_bf16() ? vector_ops_avx512_bf16() : vector_ops_avx512();
    case Isa::kAvx2: return vector_ops_avx2();
    case Isa::kGeneric: break;
  }
  return vector_ops_generic();
}
#else
const VectorOps& vector_ops(Isa) { return vector_ops_generic(); }
#endif

std::int64_t attention_scratch(std::int64_t tokens, std::int64_t width) {
  const std::int64_t padded = (tokens + 15) / 16 * 16;
  return width * padded + 36 * padded + 24 * width;
}

void layer_norm_on(Isa isa, const LayerNormArgs& args) {
  const VectorOps& ops = vector_ops(isa);
  const std::int64_t stride = args.row_stride > 0 ? args.row_stride : args.width;
  const RowType type = row_type(args.output, isa);
  const std::int64_t out_bytes = type == RowType::kF32    ? args.width * 4
                                 : type == RowType::kBf16 ? args.width * 2
                                                          : row_bytes(args.width, int8_layout(isa));
  const int team = args.rows * args.width > kManyValues ? threads() : 1;
  parallel_for(args.rows, team, [&](std::int64_t r) {
    void* out = static_cast<std::byte*>(args.out) + r * out_bytes;
    const std::int64_t from =
        args.places == nullptr ? r : args.places[r % args.period] + r / args.period * args.period;
    ops.layer_norm_row(
        {args.x + from * stride, args.width, args.gain, args.bias, args.eps, out, type});
  });
}

void layer_norm(const LayerNormArgs& args) { layer_norm_on(active_isa(), args); }

void attention_on(Isa isa, const AttentionArgs& args, Workspace& workspace) {
  MIEN_CHECK(args.head_width > 0 && args.head_width % 16 == 0);
  const VectorOps& ops = vector_ops(isa);
  const std::int64_t queries = args.queries > 0 ? args.queries : args.tokens;
  MIEN_CHECK(queries <= args.tokens);
  const std::int64_t model = args.heads * args.head_width;
  const std::int64_t per_thread = (attention_scratch(args.tokens, args.head_width) + 15) / 16 * 16;
  const int team = threads();
  const auto scratch_bytes = static_cast<std::size_t>(per_thread) * sizeof(float) *
                             static_cast<std::size_t>(ThreadPool::threads_of(team));
  auto* scratch = static_cast<float*>(workspace.impl().attention.reserve(scratch_bytes));
  const bool bf16 = args.output == Precision::kBf16;
  const bool from_bf16 = args.input == Precision::kBf16;
  MIEN_CHECK(args.input == Precision::kF32 || ops.attention_head_bf16 != nullptr);
  const auto head = from_bf16 ? ops.attention_head_bf16 : ops.attention_head;
  const std::int64_t element = from_bf16 ? 2 : 4;
  const float scale = 1.0F / std::sqrt(static_cast<float>(args.head_width));
  const std::int64_t bias_each = args.tokens * ((args.tokens + 15) / 16 * 16);
  ThreadPool::shared().run(args.batch * args.heads, team, [&](std::int64_t part, int slot) {
    const std::int64_t b = part / args.heads, h = part % args.heads;
    const auto* q = static_cast<const std::byte*>(args.qkv) +
                    (b * args.tokens * 3 * model + h * args.head_width) * element;
    const std::int64_t at = b * queries * model + h * args.head_width;
    void* out = bf16 ? static_cast<void*>(static_cast<std::uint16_t*>(args.out) + at)
                     : static_cast<void*>(static_cast<float*>(args.out) + at);
    const std::int64_t table = args.bias_of == nullptr ? 0 : args.bias_of[b % args.bias_period];
    const float* bias =
        args.bias == nullptr ? nullptr : args.bias + (table * args.heads + h) * bias_each;
    head({q, q + model * element, q + 2 * model * element, 3 * model, args.tokens, queries,
          args.head_width, scale, args.causal, bias, out, model, bf16,
          scratch + slot * per_thread});
  });
}

void attention(const AttentionArgs& args, Workspace& workspace) {
  attention_on(active_isa(), args, workspace);
}

Precision attention_input(Precision layers) {
  const bool narrow = layers != Precision::kF32;
  return narrow && vector_ops(active_isa()).attention_head_bf16 != nullptr ? Precision::kBf16
                                                                           : Precision::kF32;
}

void l2_normalize_rows(float* x, std::int64_t rows, std::int64_t width) {
  for (std::int64_t r = 0; r < rows; ++r) {
    double squares = 0;
    for (std::int64_t i = 0; i < width; ++i) {
      squares += static_cast<double>(x[r * width + i]) * static_cast<double>(x[r * width + i]);
    }
    if (squares == 0) continue;
    const auto inverse = static_cast<float>(1.0 / std::sqrt(squares));
    for (std::int64_t i = 0; i < width; ++i) x[r * width + i] *= inverse;
  }
}

void quantise_rows_on(Isa isa, const void* x, Precision input, std::int64_t rows,
                      std::int64_t width, void* out) {
  MIEN_CHECK(input != Precision::kInt8);
  const VectorOps& ops = vector_ops(isa);
  const bool bf16 = input == Precision::kBf16;
  const std::int64_t each = row_bytes(width, int8_layout(isa));
  const RowType type = row_type(Precision::kInt8, isa);
  parallel_for(rows, rows * width > kManyValues ? threads() : 1, [&](std::int64_t r) {
    ops.quantise_row({static_cast<const std::byte*>(x) + r * width * (bf16 ? 2 : 4), bf16, width,
                      static_cast<std::byte*>(out) + r * each, type});
  });
}

void quantise_rows(const void* x, Precision input, std::int64_t rows, std::int64_t width,
                   void* out) {
  quantise_rows_on(active_isa(), x, input, rows, width, out);
}

std::int64_t quantised_row_bytes(std::int64_t width) {
  return row_bytes(width, int8_layout(active_isa()));
}

std::int64_t bytes_of_rows(Precision precision, std::int64_t rows, std::int64_t width) {
  if (precision == Precision::kInt8) return rows * quantised_row_bytes(width);
  return rows * width * (precision == Precision::kBf16 ? 2 : 4);
}

void to_bf16(const float* x, std::int64_t count, std::uint16_t* out) {
  vector_ops(active_isa()).to_bf16(x, count, out);
}

}  // namespace mien::kernels
