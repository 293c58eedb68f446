#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace mien::face {

/// Two items that may belong together.
struct Pair {
  std::size_t from = 0;
  std::size_t to = 0;
  float gain = 0;  ///< above 0; higher is more likely
};

/// Pairs one to one so that the sum of gains is largest. Returns for each of `count` items the
/// index of its partner, or -1. Only pairs in `pairs` are made. Precondition: from < count, and no
/// two entries with the same indices. Connected groups of more than 200 items are paired greedily
/// by the largest gain, because the exact solution would take too long.
std::vector<int> assign(std::size_t count, std::span<const Pair> pairs);

}  // namespace mien::face
