#include "loss/e2n.h"

#include <ATen/ATen.h>

#include "loss/cross_entropy.h"
#include "loss/unit_rows.h"
#include "mien/core/check.h"

namespace mien::loss {
namespace {

// Rows that show an expression. Shape: [some] int64.
torch::Tensor expressive(const E2nBatch& batch) {
  return batch.labels.ne(batch.neutral).nonzero().squeeze(1);
}

}  // namespace

torch::Tensor similarity_matching(const E2nBatch& batch, double scale) {
  return cross_entropy(scale * at::matmul(unit_rows(batch.expressions), unit_rows(batch.texts).t()),
                       batch.labels);
}

torch::Tensor neutral_transformation(const E2nBatch& batch) {
  MIEN_CHECK(batch.neutral >= 0 && batch.neutral < batch.texts.size(0));
  const torch::Tensor rows = expressive(batch);
  if (rows.size(0) == 0) return torch::zeros({}, batch.expressions.options());
  const torch::Tensor faces = (batch.expressions - batch.neutrals).index_select(0, rows);
  const torch::Tensor texts = batch.texts.index_select(0, batch.labels.index_select(0, rows)) -
                              batch.texts.select(0, batch.neutral);
  return (1 - at::cosine_similarity(faces, texts, 1, 1e-8)).mean();
}

torch::Tensor self_contrast(const E2nBatch& batch, SelfContrast kind) {
  const torch::Tensor rows = expressive(batch);
  if (rows.size(0) == 0) return torch::zeros({}, batch.expressions.options());
  const torch::Tensor texts =
      unit_rows(batch.texts.index_select(0, batch.labels.index_select(0, rows)));
  const torch::Tensor change =
      (unit_rows(batch.neutrals) - unit_rows(batch.expressions)).index_select(0, rows);
  // The mean over all pairs is the product of the means.
  const torch::Tensor value = kind == SelfContrast::kPairwise
                                  ? (texts.mean(0) * change.mean(0)).sum()
                                  : (texts * change).sum(1).mean();
  return value + 2;
}

}  // namespace mien::loss
