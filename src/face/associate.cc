#include "face/associate.h"

#include <algorithm>
#include <cstddef>

namespace mien::face {

std::vector<int> associate(std::span<const image::Box> from, std::span<const image::Box> to,
                           float min_iou) {
  struct Pair {
    float overlap;
    std::size_t from;
    std::size_t to;
  };
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < from.size(); ++i) {
    for (std::size_t j = 0; j < to.size(); ++j) {
      const float overlap = image::iou(from[i], to[j]);
      if (overlap >= min_iou) pairs.push_back({overlap, i, j});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& a, const Pair& b) { return a.overlap > b.overlap; });
  std::vector<int> out(from.size(), -1);
  std::vector<bool> taken(to.size(), false);
  for (const Pair& pair : pairs) {
    if (out[pair.from] >= 0 || taken[pair.to]) continue;
    out[pair.from] = static_cast<int>(pair.to);
    taken[pair.to] = true;
  }
  return out;
}

}  // namespace mien::face
