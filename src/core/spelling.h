#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace mien {

inline constexpr std::size_t kAnyDistance = std::numeric_limits<std::size_t>::max() - 1;

/// How many letters must be added, left out, changed or swapped with their neighbour to turn `a`
/// into `b`; more than `most` counts as `most` + 1, which saves work. Units: code points of UTF-8;
/// upper and lower case differ.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most = kAnyDistance);

/// What a misspelt `word` may have been meant as: the places in `known` of those that are nearest
/// to it, in their order; none when all are farther than `most`.
std::vector<std::size_t> nearest(std::string_view word, std::span<const std::string_view> known,
                                 std::size_t most = kAnyDistance);

}  // namespace mien
