#pragma once

#include <oneapi/dnnl/dnnl.hpp>

#include "kernels/buffer.h"

namespace mien::kernels {

/// The CPU engine of this process.
const dnnl::engine& cpu_engine();

}  // namespace mien::kernels
