#pragma once

#include <torch/types.h>

#include <cstdint>

namespace mien::methods {

struct PromptPlace {
  std::int64_t row = 0;  ///< of the centre, in pixels
  std::int64_t col = 0;

  bool operator==(const PromptPlace&) const = default;
};

/// Where HESP puts its patch: the activation map min-max scaled to 0..255, resized to the picture,
/// cut at 201 (the red of the published colour map); the centroid of the largest 8-connected part,
/// truncated; where nothing is left, the largest place. A map without contrast gives the centre of
/// the picture. The place is moved until the patch lies inside.
/// Shape: map [h, w] float. Source: HESP's released code (arXiv 2404.17100).
PromptPlace expression_place(const torch::Tensor& map, std::int64_t side, std::int64_t patch);

}  // namespace mien::methods
