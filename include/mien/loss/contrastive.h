#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>

namespace mien::loss {

/// Symmetric contrastive loss of matching rows.
/// Shape: videos and texts [batch, width] with unit rows, factor scalar (exp of the logit scale) ->
/// scalar. Row i of one belongs to row i of the other; equal texts of a batch still count as
/// negatives (as published). Source: EmoCLIP (arXiv 2310.16640).
torch::Tensor symmetric_contrastive(const torch::Tensor& videos, const torch::Tensor& texts,
                                    const torch::Tensor& factor);

/// As symmetric_contrastive, with a target distribution over the batch per row instead of the
/// diagonal. Shape: targets [batch, batch], rows sum to 1, symmetric up to the row sums.
torch::Tensor symmetric_contrastive_soft(const torch::Tensor& videos, const torch::Tensor& texts,
                                         const torch::Tensor& factor, const torch::Tensor& targets);

/// The mean loss of `chunks` equal parts of the batch, each with its own negatives: equal to the
/// loss of as many processes with local negatives. Precondition: chunks divides the batch.
torch::Tensor chunked_contrastive(const torch::Tensor& videos, const torch::Tensor& texts,
                                  const torch::Tensor& factor, std::int64_t chunks);

/// One process of several that train together.
struct Gather {
  int rank = 0;
  int world = 1;
  /// Shape: [rows, width] of this process -> [world * rows, width] in the order of the ranks; no
  /// gradient.
  std::function<torch::Tensor(const torch::Tensor&)> all_gather = {};
};

/// symmetric_contrastive over the batches of all processes. The mean of its gradients over the
/// processes is the gradient of one process with the whole batch.
torch::Tensor gathered_contrastive(const torch::Tensor& videos, const torch::Tensor& texts,
                                   const torch::Tensor& factor, const Gather& gather);

/// Supervised contrastive loss: every other row of the same label is a positive; rows without one
/// are left out. Shape: features [batch, width] with unit rows, labels [batch] int64 -> scalar, 0
/// when no row has a positive. Source: Khosla et al., NeurIPS 2020 (arXiv 2004.11362), the mean
/// outside the logarithm.
torch::Tensor supervised_contrastive(const torch::Tensor& features, const torch::Tensor& labels,
                                     double temperature);

}  // namespace mien::loss
