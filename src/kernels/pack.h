#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>

namespace mien::kernels {

/// Packs a float32 matrix [out, in] into the layout that oneDNN asks for, much faster than its own
/// reorder, for the two layouts of its AVX-512 kernels (AB16b64a in f32, AB8b64a2b in bf16).
/// Returns false, with nothing done, for any other.
bool pack_weights(const float* source, std::int64_t out, std::int64_t in,
                  const dnnl::memory::desc& layout, void* packed);

}  // namespace mien::kernels
