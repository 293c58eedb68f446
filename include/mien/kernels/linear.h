#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mien/core/status.h"
#include "mien/tensor/tensor.h"

namespace mien::kernels {

enum class Activation { kNone, kGelu, kGeluTanh, kQuickGelu, kRelu };
/// kInt8: rows quantised one by one, as quantise_rows and layer_norm write them.
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
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

struct LinearOptions {
  Activation activation = Activation::kNone;
  bool accumulate =
      false;  ///< dst += result instead of dst = result (a residual); needs output kF32
  Precision input = Precision::kF32;   ///< type of src, and of the packed weights
  Precision output = Precision::kF32;  ///< type of dst; never kInt8
  bool weight_is_in_out = false;       ///< weight stored [in, out] instead of [out, in]
  std::span<const float> scales = {};  ///< of a weight stored as I8: one per output
};

/// dst = activation(src * W^T + b), with W packed once for this CPU. Immutable after packing; safe
/// from several threads. Shape: src [rows, in], dst [rows, out], row-major and dense.
/// With kInt8 weights are rounded to 8 bits with a scale per output, sums are exact and what
/// follows them is in float32.
class Linear {
 public:
  Linear() = default;
  /// Packs a weight ([out, in], or [in, out]) and an optional bias [out] (nullptr: none). The
  /// weight is floating, or I8 [out, in] with `options.scales`, which fits every precision. Errors:
  /// kInvalidArgument on shapes that do not fit, kUnsupported dtype, kInternal from oneDNN.
  static Result<Linear> pack(const TensorView& weight, const TensorView* bias,
                             const LinearOptions& options);

  std::int64_t in() const;
  std::int64_t out() const;

  /// src and dst have the types of the options and rows * in (out) elements; they may not overlap.
  Status run(const void* src, std::int64_t rows, void* dst, Workspace& workspace) const;

 private:
  struct Packed;
  std::shared_ptr<const Packed> packed_;
};

/// Bytes of one quantised row of `width` values; rows follow each other.
std::int64_t quantised_row_bytes(std::int64_t width);

/// Bytes of `rows` rows of `width` values of a type.
std::int64_t bytes_of_rows(Precision precision, std::int64_t rows, std::int64_t width);

/// Scales that make the rows of a weight fit 8 bits: largest magnitude / 127, and 1 for zeros.
/// Shape: weight [out, in] -> scales [out].
std::vector<float> int8_scales(std::span<const float> weight, std::int64_t out);

}  // namespace mien::kernels
