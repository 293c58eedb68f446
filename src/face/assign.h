#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace mien::face {

/// Two things that may belong together.
struct Pair {
  std::size_t from = 0;
  std::size_t to = 0;
  float gain = 0;  ///< above 0; larger is likelier
};

/// Pairs one to one so that the sum of gains is largest. Returns for each of `count` the index of
/// its partner, or -1. Pairs that are not in `pairs` are never made. Precondition: from < count,
/// and no two entries with the same two indices. Crowds of more than 200 that all may belong to one
/// another are paired by the largest gain first, which takes less time.
std::vector<int> assign(std::size_t count, std::span<const Pair> pairs);

}  // namespace mien::face
