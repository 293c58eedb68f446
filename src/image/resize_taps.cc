#include <algorithm>
#include <cmath>

#include "image/resize_internal.h"

namespace mien::image {
namespace {

// Pillow's filters, in its precision. T is double for 8 bits and float for torch's antialiasing.
template <class T>
T triangle(T x) {
  x = std::abs(x);
  return x < T{1} ? T{1} - x : T{0};
}

template <class T>
T cubic(T x) {
  constexpr T a = T{-0.5};
  x = std::abs(x);
  if (x < T{1}) return ((a + T{2}) * x - (a + T{3})) * x * x + T{1};
  if (x < T{2}) return (((x - T{5}) * x + T{8}) * x - T{4}) * a;
  return T{0};
}

template <class Weight>
Taps<Weight> make_empty(int n, int most) {
  Taps<Weight> taps;
  const auto size = static_cast<std::size_t>(n);
  taps.most = most;
  taps.first.resize(size);
  taps.count.resize(size);
  taps.weights.resize(size * static_cast<std::size_t>(most));
  return taps;
}

// The support-scaled filter. T follows the original: double in Pillow, float in torch, where the
// 0.5 constants are doubles.
template <class T>
Taps<T> make_scaled(int in_size, int out_size, int begin, int n, Filter filter) {
  const T scale = static_cast<T>(in_size) / static_cast<T>(out_size);
  const T radius = filter == Filter::kBicubic ? T{2} : T{1};
  const T support = radius * std::max(scale, T{1});
  const T inverse = scale >= T{1} ? T{1} / scale : T{1};
  Taps<T> taps = make_empty<T>(n, std::min(static_cast<int>(std::ceil(support)) * 2 + 1, in_size));
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const T center = static_cast<T>(static_cast<double>(scale) * (begin + i + 0.5));
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int end = std::min(static_cast<int>(center + support + 0.5), in_size);
    const int count = std::min(end - first, taps.most);
    T* weights = taps.weights.data() + at * static_cast<std::size_t>(taps.most);
    T total = 0;
    for (int k = 0; k < count; ++k) {
      const T x = static_cast<T>((static_cast<T>(k + first) - center + 0.5) * inverse);
      weights[k] = filter == Filter::kBicubic ? cubic(x) : triangle(x);
      total += weights[k];
    }
    for (int k = 0; k < count && total != T{0}; ++k) weights[k] /= total;
    taps.first[at] = first;
    taps.count[at] = count;
  }
  return taps;
}

// torch's four cubic weights for a = -0.75, at distance t after the second pixel.
void cubic_weights(float t, float* out) {
  constexpr float a = -0.75F;
  const auto near = [](float x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto far = [](float x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  out[0] = far(t + 1);
  out[1] = near(t);
  out[2] = near(1 - t);
  out[3] = far(2 - t);
}

// torch's interpolation between neighbours. Neighbours outside the picture are clamped to its
// border: their weights are added to that of the border pixel.
Taps<float> make_plain(int in_size, int out_size, int begin, int n, Filter filter) {
  const bool is_cubic = filter == Filter::kBicubic;
  const float scale = static_cast<float>(in_size) / static_cast<float>(out_size);
  const int width = is_cubic ? 4 : 2;
  Taps<float> taps = make_empty<float>(n, std::min(width, in_size));
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    // The scale is a float, but torch's fused multiply-adds do not round the position.
    double position = double{scale} * (begin + i + 0.5) - 0.5;
    if (!is_cubic) position = std::max(position, 0.0);
    const int before = std::min(static_cast<int>(std::floor(position)), in_size - 1);
    const auto t = static_cast<float>(std::clamp(position - before, 0.0, 1.0));
    float single[4] = {1 - t, t, 0, 0};
    if (is_cubic) cubic_weights(t, single);
    const int start = is_cubic ? before - 1 : before;
    const int first = std::clamp(start, 0, in_size - taps.most);
    float* weights = taps.weights.data() + at * static_cast<std::size_t>(taps.most);
    for (int k = 0; k < width; ++k) {
      weights[std::clamp(start + k, 0, in_size - 1) - first] += single[k];
    }
    taps.first[at] = first;
    taps.count[at] = taps.most;
  }
  return taps;
}

Taps<float> make_nearest_f32(int in_size, int out_size, int begin, int n) {
  const float scale = static_cast<float>(in_size) / static_cast<float>(out_size);
  Taps<float> taps = make_empty<float>(n, 1);
  for (int i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const float position = std::floor(static_cast<float>(begin + i) * scale);
    taps.first[at] = std::min(static_cast<int>(position), in_size - 1);
    taps.count[at] = 1;
    taps.weights[at] = 1;
  }
  return taps;
}

}  // namespace

Taps<std::int32_t> make_taps_u8(int in_size, int out_size, int begin, int n, Filter filter) {
  const Taps<double> exact = make_scaled<double>(in_size, out_size, begin, n, filter);
  Taps<std::int32_t> taps{exact.most, exact.first, exact.count, {}};
  taps.weights.reserve(exact.weights.size());
  for (const double w : exact.weights) {
    taps.weights.push_back(
        static_cast<std::int32_t>((w < 0 ? -0.5 : 0.5) + w * (1 << kPrecisionBits)));
  }
  return taps;
}

Taps<float> make_taps_f32(int in_size, int out_size, int begin, int n, Filter filter,
                          bool antialias) {
  if (filter == Filter::kNearest) return make_nearest_f32(in_size, out_size, begin, n);
  if (antialias) return make_scaled<float>(in_size, out_size, begin, n, filter);
  return make_plain(in_size, out_size, begin, n, filter);
}

std::vector<int> make_nearest_u8(int in_size, int out_size, int begin, int n) {
  const double scale = static_cast<double>(in_size) / out_size;
  std::vector<int> out(static_cast<std::size_t>(n));
  // Pillow accumulates the position; its rounding errors are part of the result.
  double position = scale * 0.5;
  for (int i = 0; i < begin; ++i) position += scale;
  for (int& at : out) {
    at = std::min(static_cast<int>(position), in_size - 1);
    position += scale;
  }
  return out;
}

}  // namespace mien::image
