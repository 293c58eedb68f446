// Simple passes over rows of channels; auto-vectorised, because memory bandwidth is the limit.
#include <algorithm>
#include <bit>

#include "kernels/ops.h"
#include "kernels/parallel.h"

namespace mien::kernels {
namespace {

// After a relu, bf16 values compare like the integers of their bits.
template <class T>
void keep_largest(const T* from, std::int64_t channels, T* to) {
  for (std::int64_t c = 0; c < channels; ++c) to[c] = from[c] > to[c] ? from[c] : to[c];
}

template <class T>
void max_pool(const T* x, std::int64_t count, std::int64_t side, std::int64_t channels, T* out) {
  const std::int64_t half = (side + 1) / 2;
  parallel_for(count * half, [&](std::int64_t row) {
    const std::int64_t n = row / half, top = 2 * (row % half) - 1;
    T* to = out + row * half * channels;
    std::fill(to, to + half * channels, T{0});
    for (std::int64_t y = std::max<std::int64_t>(0, top); y < std::min(side, top + 3); ++y) {
      const T* line = x + (n * side + y) * side * channels;
      for (std::int64_t position = 0; position < half; ++position) {
        const std::int64_t left = std::max<std::int64_t>(0, 2 * position - 1);
        for (std::int64_t z = left; z < std::min(side, 2 * position + 2); ++z) {
          keep_largest(line + z * channels, channels, to + position * channels);
        }
      }
    }
  });
}

float widened(float value) { return value; }
float widened(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

template <class T>
void mean_rows(const T* x, std::int64_t count, std::int64_t each, std::int64_t width, float* out) {
  std::fill(out, out + count * width, 0.0F);
  for (std::int64_t row = 0; row < count * each; ++row) {
    float* to = out + row / each * width;
    for (std::int64_t c = 0; c < width; ++c) to[c] += widened(x[row * width + c]);
  }
  const float share = 1.0F / static_cast<float>(each);
  for (std::int64_t i = 0; i < count * width; ++i) out[i] *= share;
}

}  // namespace

void add_rows_to(const float* rows, std::int64_t count, std::int64_t width,
                 const std::int32_t* places, std::int64_t period, float* x) {
  parallel_for(count, count * width > 65536 ? threads() : 1, [&](std::int64_t r) {
    const float* from = rows + r * width;
    float* to = x + (places[r % period] + r / period * period) * width;
    for (std::int64_t i = 0; i < width; ++i) to[i] += from[i];
  });
}

void mean_of_rows(const void* x, Precision input, std::int64_t count, std::int64_t each,
                  std::int64_t width, float* out) {
  if (input == Precision::kF32) {
    mean_rows(static_cast<const float*>(x), count, each, width, out);
  } else {
    mean_rows(static_cast<const std::uint16_t*>(x), count, each, width, out);
  }
}

void max_pool_3x3(const void* x, Precision type, std::int64_t count, std::int64_t side,
                  std::int64_t channels, void* out) {
  if (type == Precision::kF32) {
    max_pool(static_cast<const float*>(x), count, side, channels, static_cast<float*>(out));
  } else {
    max_pool(static_cast<const std::int16_t*>(x), count, side, channels,
             static_cast<std::int16_t*>(out));
  }
}

}  // namespace mien::kernels
