#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#include "kernels/buffer.h"
#include "mien/kernels/linear.h"

namespace mien::kernels {

/// A linear layer through oneDNN, cut into parts that its own kernels compute with one thread each.
/// The parts depend on the sizes alone, so that results do not depend on the number of threads.
/// Immutable after packing; safe from several threads.
class OneDnnLinear {
 public:
  /// Threads: `weight` is [out, in], or [in, out] as the options say, and copied. Errors: throws
  /// dnnl::error.
  OneDnnLinear(const float* weight, std::vector<float> bias, std::int64_t in, std::int64_t out,
               const LinearOptions& options);

  /// As Linear::run. Errors: throws dnnl::error.
  void run(const void* src, std::int64_t rows, void* dst, Workspace& workspace) const;

 private:
  struct Part {
    dnnl::matmul primitive;
    dnnl::memory::desc src, weight, bias, dst, scratchpad;
  };
  using Size = std::pair<std::int64_t, std::int64_t>;  // rows, outputs

  std::shared_ptr<const Part> part(const Size& size) const;
  void copy(const float* weight);

  std::int64_t in_, out_;
  LinearOptions options_;
  bool out_first_;  // how the weights lie: [out, in], or [in, out]
  Buffer weights_;
  std::vector<float> bias_;
  // Made on first use of a size; making one is rare and guarded.
  mutable std::mutex mutex_;
  mutable std::map<Size, std::shared_ptr<const Part>> parts_;
};

}  // namespace mien::kernels
