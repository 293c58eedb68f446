#pragma once

#include <torch/types.h>

#include <cstdint>

namespace mien::loss {

// Losses over several descriptors per class. Scores have the shape [batch, classes, descriptors],
// labels [batch] int64. Source of all: CLIPER (arXiv 2303.00193) and its code; methods-cliper §4.

/// Shape: images [batch, width] and descriptors [classes * per_class, width], unit rows; descriptor
/// k of class c is row c * per_class + k -> cosines over the temperature.
torch::Tensor descriptor_scores(const torch::Tensor& images, const torch::Tensor& descriptors,
                                std::int64_t per_class, double temperature);

/// Cross entropy of the worst descriptor of the true class against the best of every other.
torch::Tensor descriptor_margin(const torch::Tensor& scores, const torch::Tensor& labels);

/// Weight of every sample: more for a descriptor that few samples of its class choose.
/// Shape: -> [batch], without a gradient.
torch::Tensor descriptor_modulation(const torch::Tensor& scores, const torch::Tensor& labels);

/// Cross entropy of the best descriptor of the true class against all descriptors of the others,
/// each sample weighed by descriptor_modulation. Precondition: at least two classes.
torch::Tensor descriptor_fine_grained(const torch::Tensor& scores, const torch::Tensor& labels);

/// Cross entropy of the mean over a class's descriptors.
torch::Tensor descriptor_mean(const torch::Tensor& scores, const torch::Tensor& labels);

}  // namespace mien::loss
