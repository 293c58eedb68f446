#pragma once

#include <cstdint>
#include <span>

#include "mien/engine/encoders.h"

namespace mien::engine {

/// Where HESP puts the centre of its patch: the activation map min-max scaled to 0..255, resized to
/// the picture, cut at 201 (the red of the published colour map); the centroid of the largest
/// 8-connected part, truncated; where nothing is left, the largest place. A map without contrast
/// gives the centre of the picture. The place is moved until the patch lies inside.
/// Shape: map [grid, grid]; side and patch in pixels. Precondition: the map has grid * grid values,
/// patch <= side. Source: HESP's released code (arXiv 2404.17100).
PromptPlace expression_place(std::span<const float> map, std::int64_t grid, std::int64_t side,
                             std::int64_t patch);

}  // namespace mien::engine
