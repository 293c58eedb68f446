#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "image/resize.h"
#include "mien/image/image.h"

namespace mien::image {

/// Part of the output grid of a resize: only these pixels are computed.
struct Window {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

/// For every output position of one axis: where its source pixels start, how many there are and
/// their weights. Row i of the weights starts at i * most.
template <class Weight>
struct Taps {
  int most = 0;
  std::vector<int> first;
  std::vector<int> count;
  std::vector<Weight> weights;

  std::size_t size() const { return first.size(); }
  const Weight* row(std::size_t i) const {
    return weights.data() + i * static_cast<std::size_t>(most);
  }
  /// One past the last source pixel any position reads. Precondition: size() > 0.
  int end() const { return first.back() + count.back(); }
};

constexpr int kPrecisionBits = 32 - 8 - 2;

/// Pillow's 8-bit weights in fixed point, for output positions [begin, begin + n).
/// Precondition: filter is kBilinear or kBicubic.
Taps<std::int32_t> make_taps_u8(int in_size, int out_size, int begin, int n, Filter filter);

/// torch's float weights.
Taps<float> make_taps_f32(int in_size, int out_size, int begin, int n, Filter filter,
                          bool antialias);

/// Pillow's source positions for kNearest.
std::vector<int> make_nearest_u8(int in_size, int out_size, int begin, int n);

/// resize_u8 for a part of the output. Precondition: the window lies inside width x height.
Image resize_u8_window(ImageView source, int width, int height, Filter filter,
                       const Window& window);
FloatPlanes resize_f32_window(const FloatPlanes& source, int width, int height, Filter filter,
                              bool antialias, const Window& window);

/// The inner loops of the 8-bit resize. Every instruction set gives the same bits.
struct ResizeLoops {
  /// Two rows of RGB pixels at a new width (they may be the same row twice). A row may be read 1
  /// byte past its last pixel.
  void (*horizontal)(const std::uint8_t* const* in, const Taps<std::int32_t>& taps,
                     std::uint8_t* const* out);
  /// One row of `n` bytes from `count` rows that are `stride` bytes apart.
  void (*vertical)(const std::uint8_t* in, std::ptrdiff_t stride, int count,
                   const std::int32_t* weights, std::size_t n, std::uint8_t* out);
};

extern const ResizeLoops kResizeLoopsGeneric;
/// nullptr where the machine or the build has no AVX2.
const ResizeLoops* find_resize_loops_avx2();
/// The best for this machine.
const ResizeLoops& resize_loops();

}  // namespace mien::image
