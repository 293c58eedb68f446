#pragma once

#include <span>
#include <vector>

#include "mien/image/image.h"

namespace mien::face {

/// Pairs boxes one to one, largest overlap first. Returns for every box of `from` the index of its
/// partner in `to`, or -1. Pairs that overlap less than `min_iou` are not made; of equal overlaps
/// the pair of the lower indices is made.
std::vector<int> associate(std::span<const image::Box> from, std::span<const image::Box> to,
                           float min_iou);

}  // namespace mien::face
