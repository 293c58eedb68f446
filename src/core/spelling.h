#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace mien {

inline constexpr std::size_t kAnyDistance = std::numeric_limits<std::size_t>::max() - 1;

/// Number of letters to insert, delete, change or swap with their neighbour to turn `a` into `b`;
/// anything above `most` returns `most` + 1, which saves work. Units: code points of UTF-8; case
/// matters.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most = kAnyDistance);

/// Suggestions for a misspelt `word`: indices in `known` of the nearest words, in ascending order;
/// none if all are farther than `most`.
std::vector<std::size_t> nearest(std::string_view word, std::span<const std::string_view> known,
                                 std::size_t most = kAnyDistance);

}  // namespace mien
