#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>

namespace mien::kernels {

/// Packs a float32 matrix [out, in] into the layout that oneDNN asks for, much faster than its own
/// reorder, for the two layouts of its AVX-512 kernels (AB16b64a in f32, AB8b64a2b in bf16).
/// Returns false, with nothing done, for any other.
bool pack_weights(const float* source, std::int64_t out, std::int64_t in,
                  const dnnl::memory::desc& layout, void* packed);

/// How many outputs of a convolution [out, in, k, k] pack_convolution takes at once; 0 for layouts
/// that it does not know. It knows those that oneDNN's AVX-512 convolutions of channels-last
/// pictures ask for (Acdb<n>a in f32, AcdB<n>a2b in bf16).
std::int64_t convolution_group(const dnnl::memory::desc& layout);

/// As pack_weights, for one group of outputs: `source` has the rows of that group alone, `packed`
/// is the whole. Precondition: convolution_group(layout) > 0. Safe from several threads for
/// different groups.
void pack_convolution(const float* source, const dnnl::memory::desc& layout, std::int64_t group,
                      void* packed);

}  // namespace mien::kernels
