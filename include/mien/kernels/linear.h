#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mien/core/status.h"
#include "mien/tensor/tensor.h"

namespace mien::kernels {

/// Applied to the output of a layer. kGelu is exact (erf), kGeluTanh its tanh approximation,
/// kQuickGelu x * sigmoid(1.702 x).
enum class Activation { kNone, kGelu, kGeluTanh, kQuickGelu, kRelu };
/// Type of the numbers of a layer. kInt8: each row quantised by itself, as quantise_rows and
/// layer_norm write them.
enum class Precision { kF32, kBf16, kInt8 };

/// Scratch memory and the oneDNN stream of one worker.
/// Threads: not thread-safe; one per worker. Grows on first use, then allocates nothing.
class Workspace {
 public:
  Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;
  ~Workspace();

  struct Impl;
  /// For kernels only.
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// How a Linear is packed: fixed for its life.
struct LinearOptions {
  Activation activation = Activation::kNone;
  bool accumulate =
      false;  ///< dst += result instead of dst = result (a residual); needs output kF32
  Precision input = Precision::kF32;   ///< type of src, and of the packed weights
  Precision output = Precision::kF32;  ///< type of dst; never kInt8
  bool weight_is_in_out = false;       ///< weight stored [in, out] instead of [out, in]
  std::span<const float> scales = {};  ///< of a weight stored as I8: one per output
};

/// dst = activation(src * W^T + b), with W packed once for this CPU.
/// Shape: src [rows, in], dst [rows, out], row-major and dense.
/// Threads: immutable after packing; safe from several threads.
/// With kInt8, weights are rounded to 8 bits with one scale per output; sums are exact integers,
/// and bias and activation are computed in float32.
class Linear {
 public:
  Linear() = default;
  /// Packs a weight ([out, in], or [in, out]) and an optional bias [out] (nullptr: none). The
  /// weight is floating, or I8 [out, in] with `options.scales`, which every precision accepts.
  /// Errors: kInvalidArgument for shapes that do not match, kUnsupported for another dtype,
  /// kInternal when oneDNN fails.
  static Result<Linear> pack(const TensorView& weight, const TensorView* bias,
                             const LinearOptions& options);

  /// Width of a row of src, of a row of dst.
  std::int64_t in() const;
  std::int64_t out() const;

  /// Types: those of the options. Preconditions: packed, rows > 0; src has rows * in() and dst
  /// rows * out() elements, and they do not overlap. Errors: kInternal when oneDNN fails.
  Status run(const void* src, std::int64_t rows, void* dst, Workspace& workspace) const;

 private:
  struct Packed;
  std::shared_ptr<const Packed> packed_;
};

/// Bytes of one quantised row of `width` values; rows are contiguous.
std::int64_t quantised_row_bytes(std::int64_t width);

/// Bytes of `rows` rows of `width` values in `precision`.
std::int64_t bytes_of_rows(Precision precision, std::int64_t rows, std::int64_t width);

/// Scales that make the rows of a weight fit 8 bits: largest magnitude / 127, and 1 for zeros.
/// Shape: weight [out, in] -> scales [out].
std::vector<float> int8_scales(std::span<const float> weight, std::int64_t out);

}  // namespace mien::kernels
