#include "engine/face_views.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "mien/core/check.h"

namespace mien::engine {
namespace {

// Where a place of the nearer view lies in the picture: between `at` and `next`.
struct Tap {
  std::int64_t at, next;
  float share;  // of `next`
};

std::vector<Tap> nearer_taps(std::int64_t side) {
  const float start = 0.5F * (1 - kNearer) * static_cast<float>(side);
  std::vector<Tap> out;
  for (std::int64_t i = 0; i < side; ++i) {
    const float place = std::max(0.0F, start + kNearer * (static_cast<float>(i) + 0.5F) - 0.5F);
    const auto at = std::min(static_cast<std::int64_t>(place), side - 1);
    out.push_back({at, std::min(at + 1, side - 1), place - static_cast<float>(at)});
  }
  return out;
}

void come_nearer(const float* plane, std::int64_t side, const std::vector<Tap>& taps, float* out) {
  for (std::int64_t y = 0; y < side; ++y) {
    const Tap& row = taps[static_cast<std::size_t>(y)];
    const float* upper = plane + row.at * side;
    const float* lower = plane + row.next * side;
    for (std::int64_t x = 0; x < side; ++x) {
      const Tap& column = taps[static_cast<std::size_t>(x)];
      const float above = std::lerp(upper[column.at], upper[column.next], column.share);
      const float below = std::lerp(lower[column.at], lower[column.next], column.share);
      out[y * side + x] = std::lerp(above, below, row.share);
    }
  }
}

void mirror(const float* picture, std::int64_t side, float* out) {
  for (std::int64_t row = 0; row < 3 * side; ++row) {
    std::reverse_copy(picture + row * side, picture + (row + 1) * side, out + row * side);
  }
}

}  // namespace

void make_views(const float* pixels, std::int64_t count, std::int64_t side, int views, float* out) {
  MIEN_CHECK(is_view_count(views));
  const std::vector<Tap> taps = nearer_taps(side);
  const std::int64_t area = side * side, each = 3 * area;
  std::vector<float> nearer(static_cast<std::size_t>(views > 1 ? each : 0));
  for (std::int64_t n = 0; n < count; ++n) {
    const float* picture = pixels + n * each;
    float* to = out + n * views * each;
    std::copy_n(picture, each, to);
    if (views == 1) continue;
    for (std::int64_t c = 0; c < 3; ++c) {
      come_nearer(picture + c * area, side, taps, nearer.data() + c * area);
    }
    if (views == 2) {
      mirror(nearer.data(), side, to + each);
      continue;
    }
    mirror(picture, side, to + each);
    std::copy_n(nearer.data(), each, to + 2 * each);
    mirror(nearer.data(), side, to + 3 * each);
  }
}

}  // namespace mien::engine
