#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace mien::eval {

/// The plane nearest to some rows: their mean, and behind it orthonormal directions in which they
/// vary most. Shape: rows [count, width] -> [1 + directions, width].
/// Precondition: directions <= width, at least one row.
std::vector<float> principal_plane(std::span<const float> rows, std::size_t width,
                                   std::size_t directions);

}  // namespace mien::eval
