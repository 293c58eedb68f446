#include "methods/e2n/augment.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "mien/core/check.h"

namespace mien::methods {
namespace {

constexpr int kTries = 10;
constexpr double kLeastArea = 0.02, kMostArea = 0.25;
constexpr double kLeastAspect = 0.3, kMostAspect = 3.3;

int below(int bound, Rng& rng) {
  return static_cast<int>(rng.below(static_cast<std::uint64_t>(bound)));
}

// Shifts the picture by (dx, dy) and fills with black.
void move(int side, int dx, int dy, float black, std::span<float> plane) {
  const std::vector<float> before(plane.begin(), plane.end());
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const int u = x + dx, v = y + dy;
      const bool inside = u >= 0 && u < side && v >= 0 && v < side;
      plane[static_cast<std::size_t>(y * side + x)] =
          inside ? before[static_cast<std::size_t>(v * side + u)] : black;
    }
  }
}

void erase(int side, std::size_t count, std::span<float> planes, Rng& rng) {
  for (int i = 0; i < kTries; ++i) {
    const double area = rng.uniform(kLeastArea, kMostArea) * side * side;
    const double aspect = std::exp(rng.uniform(std::log(kLeastAspect), std::log(kMostAspect)));
    const int height = static_cast<int>(std::lround(std::sqrt(area * aspect)));
    const int width = static_cast<int>(std::lround(std::sqrt(area / aspect)));
    if (height < 1 || width < 1 || height >= side || width >= side) continue;
    const int top = below(side - height + 1, rng), left = below(side - width + 1, rng);
    for (std::size_t p = 0; p < count; ++p) {
      for (int y = top; y < top + height; ++y) {
        float* row = planes.data() + (static_cast<int>(p) * side + y) * side + left;
        std::fill(row, row + width, 0.0F);
      }
    }
    return;
  }
}

}  // namespace

void augment_face(const E2nAugmentOptions& options, int side, std::span<const float> black,
                  std::span<float> planes, Rng& rng) {
  const std::size_t area = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  MIEN_CHECK(planes.size() == black.size() * area);
  if (rng.uniform() < options.shift) {
    const int dx = below(2 * options.pad + 1, rng) - options.pad;
    const int dy = below(2 * options.pad + 1, rng) - options.pad;
    for (std::size_t p = 0; p < black.size(); ++p) {
      move(side, dx, dy, black[p], planes.subspan(p * area, area));
    }
  }
  if (rng.uniform() < options.flip) {
    for (std::size_t row = 0; row < black.size() * static_cast<std::size_t>(side); ++row) {
      float* begin = planes.data() + row * static_cast<std::size_t>(side);
      std::reverse(begin, begin + side);
    }
  }
  if (rng.uniform() < options.erase) erase(side, black.size(), planes, rng);
}

}  // namespace mien::methods
