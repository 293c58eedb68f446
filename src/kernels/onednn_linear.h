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

/// A linear layer through oneDNN, divided into parts that its kernels compute with one thread each.
/// The parts depend only on the sizes, so that results do not depend on the number of threads.
/// Threads: immutable after packing; safe from several threads.
class OneDnnLinear {
 public:
  /// `weight` is [out, in], or [in, out] as the options say, and is copied. Errors: throws
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
  bool out_first_;  // layout of the weights: [out, in], or [in, out]
  Buffer weights_;
  std::vector<float> bias_;
  // Created on first use of a size, which is rare; guarded by a mutex.
  mutable std::mutex mutex_;
  mutable std::map<Size, std::shared_ptr<const Part>> parts_;
};

}  // namespace mien::kernels
