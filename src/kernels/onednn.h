#pragma once

// oneDNN of the distributions runs on OpenMP, whose threads spin while they wait. Every call of
// ours is for one OpenMP thread, which starts none; the parts of a layer are shared out by our own
// pool.
#include <cstddef>
#include <oneapi/dnnl/dnnl.hpp>

#include "mien/kernels/linear.h"

// Of the runtime that oneDNN was built with, whatever compiler builds us: omp.h is that of the
// compiler's own.
extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int);
}

namespace mien::kernels {

/// While it lives, oneDNN makes and runs primitives of one thread in this thread. The setting of
/// the program comes back.
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

/// Scratch memory of one primitive, so that those of different threads share no line.
inline std::size_t scratch_bytes(const dnnl::memory::desc& scratchpad) {
  return (scratchpad.get_size() + 127) / 64 * 64;
}

}  // namespace mien::kernels
