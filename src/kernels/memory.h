#pragma once

#include <cstddef>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>

namespace mien::kernels {

/// The one CPU engine of this process.
const dnnl::engine& cpu_engine();

/// Aligned memory that grows and is never shrunk; on large pages where the system has them.
class Buffer {
 public:
  /// At least `bytes`; what was inside is lost when it grows.
  void* reserve(std::size_t bytes);
  std::size_t capacity() const { return capacity_; }
  void* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(void* p) const;
  };
  std::unique_ptr<void, Free> data_;
  std::size_t capacity_ = 0;
};

}  // namespace mien::kernels
