#pragma once

#include <cstddef>
#include <string_view>

namespace mien {

/// How many letters must be added, left out, changed or swapped with their neighbour to turn `a`
/// into `b`. Units: bytes; upper and lower case differ.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace mien
