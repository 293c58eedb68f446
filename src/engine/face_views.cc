#include "engine/face_views.h"

#include <algorithm>
#include <cmath>

#include "mien/core/check.h"

namespace mien::engine {
namespace {

// Where a place of the nearer view lies in the picture: between `at` and `next`.
struct Tap {
  std::int64_t at, next;
  float share;  // of `next`
};

Tap nearer_tap(std::int64_t side, std::int64_t i) {
  const float start = 0.5F * (1 - kNearer) * static_cast<float>(side);
  const float place = std::max(0.0F, start + kNearer * (static_cast<float>(i) + 0.5F) - 0.5F);
  const auto at = std::min(static_cast<std::int64_t>(place), side - 1);
  return {at, std::min(at + 1, side - 1), place - static_cast<float>(at)};
}

void come_nearer(const float* picture, std::int64_t side, bool mirrored, float* out) {
  for (std::int64_t line = 0; line < 3 * side; ++line) {
    const float* plane = picture + line / side * side * side;
    const Tap row = nearer_tap(side, line % side);
    const float* upper = plane + row.at * side;
    const float* lower = plane + row.next * side;
    for (std::int64_t x = 0; x < side; ++x) {
      const Tap column = nearer_tap(side, x);
      const float above = std::lerp(upper[column.at], upper[column.next], column.share);
      const float below = std::lerp(lower[column.at], lower[column.next], column.share);
      out[line * side + (mirrored ? side - 1 - x : x)] = std::lerp(above, below, row.share);
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
  MIEN_CHECK(views == 2 || views == 4);
  const std::int64_t each = 3 * side * side;
  for (std::int64_t n = 0; n < count; ++n) {
    const float* picture = pixels + n * each;
    float* to = out + n * views * each;
    std::copy_n(picture, each, to);
    if (views == 4) {
      mirror(picture, side, to + each);
      come_nearer(picture, side, false, to + 2 * each);
    }
    come_nearer(picture, side, true, to + (views - 1) * each);
  }
}

}  // namespace mien::engine
