#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "mien/core/status.h"
#include "mien/tensor/tensor.h"

namespace mien::kernels {

enum class Activation { kNone, kGelu, kGeluTanh, kQuickGelu, kRelu };
enum class Precision { kF32, kBf16 };

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
  Precision output = Precision::kF32;  ///< type of dst
  bool weight_is_in_out = false;       ///< weight stored [in, out] instead of [out, in]
};

/// dst = activation(src * W^T + b), with W packed once for this CPU. Immutable after packing; safe
/// from several threads. Shape: src [rows, in], dst [rows, out], row-major and dense.
class Linear {
 public:
  Linear() = default;
  /// Packs a floating weight ([out, in], or [in, out]) and an optional bias [out] (nullptr: none).
  /// Errors: kInvalidArgument on shapes that do not fit, kUnsupported dtype, kInternal from oneDNN.
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

}  // namespace mien::kernels
