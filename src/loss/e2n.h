#pragma once

#include <torch/types.h>

#include <cstdint>

namespace mien::loss {

/// How E2N-FER's L_c pairs faces: every text with the neutral and the expression of every face
/// (as released), or of its own face (as the paper describes).
enum class SelfContrast { kPairwise, kDiagonal };

/// The inputs of the losses of E2N-FER. `expressions` and `neutrals` [batch, embed] are raw
/// features of the faces and their predicted neutrals, `texts` [classes, embed] raw features of the
/// classes, `labels` [batch] int64.
struct E2nBatch {
  torch::Tensor expressions;
  torch::Tensor neutrals;
  torch::Tensor texts;
  torch::Tensor labels;
  std::int64_t neutral = -1;  ///< index of the neutral class; -1: none
};

/// L_s: cross entropy of the scaled cosines with all class texts -> scalar. All samples.
/// Source: E2N-FER (arXiv 2409.08598), methods-e2n-fer §4, as the two below.
torch::Tensor similarity_matching(const E2nBatch& batch, double scale);
/// L_t: mean over the samples that are not neutral of 1 - cos(e - n, t_y - t_neutral), differences
/// of raw features. 0 when there is no such sample. Precondition: batch.neutral >= 0.
torch::Tensor neutral_transformation(const E2nBatch& batch);
/// L_c: mean of cos(t_y, n) - cos(t_y, e) + 2 over the samples that are not neutral. 0 when there
/// is none.
torch::Tensor self_contrast(const E2nBatch& batch, SelfContrast kind);

}  // namespace mien::loss
