#pragma once

#include "kernels/buffer.h"
#include "kernels/int8.h"
#include "kernels/vector_ops.h"
#include "mien/core/status.h"
#include "mien/kernels/linear.h"

namespace mien::kernels {

/// A float32 weight before it is packed.
struct Int8Source {
  const float* weight = nullptr;  ///< [out, in], or [in, out] when `in_out`
  std::int64_t out = 0;
  std::int64_t in = 0;
  bool in_out = false;
  const float* bias = nullptr;  ///< [out]
  /// Scales of a weight that was stored as int8, so that the same integers result; null: the
  /// largest magnitude of an output becomes 127.
  const float* scales = nullptr;
};

struct Int8Options {
  Activation activation = Activation::kNone;
  bool accumulate = false;
  bool out_bf16 = false;
};

/// Largest `in` for which sums fit in 32 bits.
constexpr std::int64_t kInt8MaxDepth = 65536;

/// The int8 form of Linear. Threads: immutable after packing; safe from several threads.
class Int8Linear {
 public:
  /// Precondition: the CPU has `isa`, and 0 < in <= kInt8MaxDepth.
  static Int8Linear pack(const Int8Source& source, const Int8Options& options, Isa isa);

  /// Shape: src `rows` quantised rows (int8.h) of the layout of `isa` -> dst [rows, out].
  void run(const void* src, std::int64_t rows, void* dst) const;

 private:
  void block(const std::byte* src, std::int64_t first, std::int64_t last, std::int64_t panel_first,
             std::int64_t panel_last, void* dst) const;

  std::int64_t out_ = 0;
  std::int64_t depth_ = 0;  // padded
  std::int64_t row_bytes_ = 0;
  std::int64_t panel_bytes_ = 0;
  Int8Options options_;
  const VectorOps* ops_ = nullptr;
  Int8Dot dot_ = nullptr;
  Buffer panels_;
  std::vector<float> scales_;       // of the outputs, padded to whole panels, as the next two
  std::vector<std::int32_t> sums_;  // of the integers of every output
  std::vector<float> bias_;
};

/// Scale of every output for int8: largest magnitude / 127, and 1 for an output of zeros.
/// Shape: weight [out, in] -> scales [out].
void int8_scales(const float* weight, std::int64_t out, std::int64_t in, float* scales);

}  // namespace mien::kernels
