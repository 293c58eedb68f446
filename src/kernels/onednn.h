#pragma once

// Distribution packages of oneDNN run on OpenMP, whose threads spin while they wait. Each of our
// calls therefore uses one OpenMP thread, which starts none; our own pool divides the work.
#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>

#include "mien/kernels/linear.h"

// From the runtime that oneDNN was built with, whatever compiler builds us: omp.h would be that of
// the compiler.
extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int);
}

namespace mien::kernels {

/// While it lives, oneDNN creates and runs single-threaded primitives in this thread. Afterwards
/// the setting of the program is restored.
class OneOpenMpThread {
 public:
  OneOpenMpThread() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  OneOpenMpThread(const OneOpenMpThread&) = delete;
  OneOpenMpThread& operator=(const OneOpenMpThread&) = delete;
  ~OneOpenMpThread() {
    if (before_ != 1) omp_set_num_threads(before_);
  }

 private:
  int before_;
};

inline dnnl::memory::data_type to_dnnl(Precision precision) {
  return precision == Precision::kF32 ? dnnl::memory::data_type::f32
                                      : dnnl::memory::data_type::bf16;
}

/// Scratch memory of one primitive, aligned so that threads share no cache line.
inline std::size_t scratch_bytes(const dnnl::memory::desc& scratchpad) {
  return (scratchpad.get_size() + 127) / 64 * 64;
}

}  // namespace mien::kernels
