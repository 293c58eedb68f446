#include <algorithm>

#include "image/resize_internal.h"

namespace mien::image {
namespace {

constexpr std::int32_t kHalf = 1 << (kPrecisionBits - 1);

std::uint8_t clip(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> kPrecisionBits, 0, 255));
}

void horizontal_row(const std::uint8_t* in, const Taps<std::int32_t>& taps, std::uint8_t* out) {
  for (std::size_t i = 0; i < taps.size(); ++i, out += 3) {
    const std::uint8_t* p = in + std::ptrdiff_t{3} * taps.first[i];
    const std::int32_t* w = taps.row(i);
    std::int32_t red = kHalf;
    std::int32_t green = kHalf;
    std::int32_t blue = kHalf;
    for (int t = 0; t < taps.count[i]; ++t, p += 3) {
      red += p[0] * w[t];
      green += p[1] * w[t];
      blue += p[2] * w[t];
    }
    out[0] = clip(red);
    out[1] = clip(green);
    out[2] = clip(blue);
  }
}

void horizontal(const std::uint8_t* const* in, const Taps<std::int32_t>& taps,
                std::uint8_t* const* out) {
  for (int row = 0; row < 2; ++row) horizontal_row(in[row], taps, out[row]);
}

void vertical(const std::uint8_t* in, std::ptrdiff_t stride, int count, const std::int32_t* weights,
              std::size_t n, std::uint8_t* out) {
  constexpr std::size_t kBlock = 256;  // sums that stay in the first-level cache
  std::int32_t sums[kBlock];
  for (std::size_t x = 0; x < n; x += kBlock) {
    const std::size_t size = std::min(kBlock, n - x);
    std::fill_n(sums, size, kHalf);
    const std::uint8_t* p = in + x;
    for (int t = 0; t < count; ++t, p += stride) {
      const std::int32_t w = weights[t];
      for (std::size_t i = 0; i < size; ++i) sums[i] += p[i] * w;
    }
    for (std::size_t i = 0; i < size; ++i) out[x + i] = clip(sums[i]);
  }
}

}  // namespace

const ResizeLoops kResizeLoopsGeneric{horizontal, vertical};

const ResizeLoops& resize_loops() {
  static const ResizeLoops* const best = find_resize_loops_avx2();
  return best != nullptr ? *best : kResizeLoopsGeneric;
}

}  // namespace mien::image
