#include "image/resize_internal.h"

namespace mien::image {
namespace {

std::size_t u(int n) { return static_cast<std::size_t>(n); }

void horizontal(const float* in, const Taps<float>& taps, float* out) {
  for (std::size_t i = 0; i < taps.size(); ++i) {
    const float* p = in + taps.first[i];
    const float* w = taps.row(i);
    float sum = 0;
    for (int t = 0; t < taps.count[i]; ++t) sum += p[t] * w[t];
    out[i] = sum;
  }
}

// One row of `n` values from `count` rows of `n`.
void vertical(const float* in, int count, const float* weights, std::size_t n, float* out) {
  for (std::size_t x = 0; x < n; ++x) out[x] = in[x] * weights[0];
  for (int t = 1; t < count; ++t) {
    in += n;
    for (std::size_t x = 0; x < n; ++x) out[x] += in[x] * weights[t];
  }
}

}  // namespace

FloatPlanes resize_f32_window(const FloatPlanes& source, int width, int height, Filter filter,
                              bool antialias, const Window& window) {
  MIEN_CHECK(width > 0 && height > 0);
  MIEN_CHECK(source.channels > 0 && source.width > 0 && source.height > 0);
  MIEN_CHECK(source.values.size() == u(source.channels) * u(source.height) * u(source.width));
  MIEN_CHECK(window.x >= 0 && window.width > 0 && window.x <= width - window.width);
  MIEN_CHECK(window.y >= 0 && window.height > 0 && window.y <= height - window.height);

  const Taps<float> across =
      make_taps_f32(source.width, width, window.x, window.width, filter, antialias);
  const Taps<float> down =
      make_taps_f32(source.height, height, window.y, window.height, filter, antialias);
  const int first_row = down.first.front();
  std::vector<float> narrow(u(down.end() - first_row) * u(window.width));
  FloatPlanes out{source.channels, window.height, window.width, {}};
  out.values.resize(u(out.channels) * u(out.height) * u(out.width));
  float* to = out.values.data();
  for (int c = 0; c < source.channels; ++c) {
    const float* plane = source.values.data() + u(c) * u(source.height) * u(source.width);
    for (int y = first_row; y < down.end(); ++y) {
      horizontal(plane + u(y) * u(source.width), across,
                 narrow.data() + u(y - first_row) * u(window.width));
    }
    for (std::size_t y = 0; y < down.size(); ++y, to += window.width) {
      vertical(narrow.data() + u(down.first[y] - first_row) * u(window.width), down.count[y],
               down.row(y), u(window.width), to);
    }
  }
  return out;
}

FloatPlanes resize_f32(const FloatPlanes& source, int width, int height, Filter filter,
                       bool antialias) {
  return resize_f32_window(source, width, height, filter, antialias, {0, 0, width, height});
}

}  // namespace mien::image
