#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/memory.h"
#include "mien/kernels/linear.h"

namespace mien::kernels {

struct Workspace::Impl {
  dnnl::stream stream;
  Buffer scratchpad;  // oneDNN's, for one primitive at a time
  Buffer attention;   // one part per thread
  Buffer table;       // of direct convolutions
  Buffer padded;      // pictures of such with a border
  Impl();
};

}  // namespace mien::kernels
