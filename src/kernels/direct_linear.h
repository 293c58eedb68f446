#pragma once

#include <vector>

#include "kernels/buffer.h"
#include "kernels/direct_kernels.h"
#include "kernels/vector_ops.h"
#include "mien/kernels/linear.h"

namespace mien::kernels {

/// Linear in fp32 and bf16 with the kernels of direct_kernels.h: a panel of weights stays in the
/// second-level cache while tiles of rows pass. Threads: immutable after packing; safe from several
/// threads.
class DirectLinear {
 public:
  /// Whether there are kernels for this CPU and these sizes.
  static bool serves(const LinearOptions& options, std::int64_t in, std::int64_t out);
  /// Precondition: serves(). `weight` is float32, [out, in] or [in, out] as the options say; `bias`
  /// has `out` values.
  static DirectLinear pack(const float* weight, std::vector<float> bias, std::int64_t in,
                           std::int64_t out, const LinearOptions& options);

  /// As Linear::run.
  void run(const void* src, std::int64_t rows, void* dst) const;

 private:
  void block(const std::byte* src, std::int64_t first, std::int64_t last, std::int64_t panel_first,
             std::int64_t panel_last, void* dst) const;

  LinearOptions options_;
  std::int64_t in_ = 0, out_ = 0, group_ = 0;
  std::int64_t width_ = 0;  // of an input in bytes
  const DirectKernels* kernels_ = nullptr;
  const VectorOps* ops_ = nullptr;
  Buffer panels_;
  std::vector<float> bias_;
};

}  // namespace mien::kernels
