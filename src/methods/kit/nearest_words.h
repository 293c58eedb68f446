#pragma once

#include <torch/types.h>

#include <vector>

#include "methods/kit/towers.h"
#include "mien/engine/bundle.h"

namespace mien::methods {

/// Number of words that a bundle lists for each learned token.
inline constexpr int kNearWords = 5;

/// For every learned vector the `count` vocabulary entries that are nearest (Euclidean), nearest
/// first. Shape: vectors [texts, tokens, W].
std::vector<engine::LearnedText> nearest_words(const Towers& towers, const torch::Tensor& vectors,
                                               int count);

}  // namespace mien::methods
