#pragma once

#include <torch/types.h>

namespace mien::loss {

/// Cross entropy with label smoothing: the target is (1 - s) one-hot + s / classes.
/// Shape: logits [batch, classes], labels [batch] int64 -> scalar mean.
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                            double smoothing = 0.0);

/// Cross entropy against target distributions. Shape: logits and targets [batch, classes], rows of
/// targets sum to 1 -> scalar mean.
torch::Tensor soft_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets);

}  // namespace mien::loss
