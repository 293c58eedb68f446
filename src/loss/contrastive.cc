#include "mien/loss/contrastive.h"

#include <ATen/ATen.h>

#include "loss/cross_entropy.h"
#include "mien/core/check.h"

namespace mien::loss {

torch::Tensor symmetric_contrastive(const torch::Tensor& videos, const torch::Tensor& texts,
                                    const torch::Tensor& factor) {
  MIEN_CHECK(videos.dim() == 2 && videos.sizes() == texts.sizes());
  const torch::Tensor logits = factor * at::matmul(videos, texts.t());
  const torch::Tensor diagonal =
      torch::arange(videos.size(0), torch::dtype(torch::kInt64).device(videos.device()));
  return 0.5 * (cross_entropy(logits, diagonal) + cross_entropy(logits.t(), diagonal));
}

torch::Tensor symmetric_contrastive_soft(const torch::Tensor& videos, const torch::Tensor& texts,
                                         const torch::Tensor& factor,
                                         const torch::Tensor& targets) {
  MIEN_CHECK(videos.dim() == 2 && videos.sizes() == texts.sizes());
  const torch::Tensor logits = factor * at::matmul(videos, texts.t());
  const torch::Tensor back = targets.t() / targets.sum(0).unsqueeze(1);
  return 0.5 * (soft_cross_entropy(logits, targets) + soft_cross_entropy(logits.t(), back));
}

torch::Tensor chunked_contrastive(const torch::Tensor& videos, const torch::Tensor& texts,
                                  const torch::Tensor& factor, std::int64_t chunks) {
  MIEN_CHECK(chunks > 0 && videos.size(0) % chunks == 0);
  const std::int64_t each = videos.size(0) / chunks;
  torch::Tensor sum;
  for (std::int64_t c = 0; c < chunks; ++c) {
    const torch::Tensor part = symmetric_contrastive(videos.narrow(0, c * each, each),
                                                     texts.narrow(0, c * each, each), factor);
    sum = sum.defined() ? sum + part : part;
  }
  return sum / static_cast<double>(chunks);
}

torch::Tensor gathered_contrastive(const torch::Tensor& videos, const torch::Tensor& texts,
                                   const torch::Tensor& factor, const Gather& gather) {
  if (gather.world == 1) return symmetric_contrastive(videos, texts, factor);
  MIEN_CHECK(gather.all_gather != nullptr && gather.rank < gather.world);
  const auto whole = [&](const torch::Tensor& own) {
    torch::Tensor all = gather.all_gather(own.detach());
    MIEN_CHECK(all.size(0) == own.size(0) * gather.world);
    // Gradients are averaged over the processes later, but only this process has one for its own
    // rows, so it is scaled by `world`. The gradient of `factor` is complete in every process.
    const double world = gather.world;
    const torch::Tensor scaled = own * world - (own * (world - 1.0)).detach();
    const std::int64_t first = own.size(0) * gather.rank;
    const std::int64_t behind = first + own.size(0);
    return torch::cat(
        {all.narrow(0, 0, first), scaled, all.narrow(0, behind, all.size(0) - behind)});
  };
  // One after the other: every process must gather in the same order.
  const torch::Tensor all_videos = whole(videos);
  const torch::Tensor all_texts = whole(texts);
  return symmetric_contrastive(all_videos, all_texts, factor);
}

torch::Tensor supervised_contrastive(const torch::Tensor& features, const torch::Tensor& labels,
                                     double temperature) {
  MIEN_CHECK(features.dim() == 2 && labels.size(0) == features.size(0) && temperature > 0);
  const std::int64_t count = features.size(0);
  const torch::Tensor self =
      torch::eye(count, torch::dtype(torch::kBool).device(features.device()));
  const torch::Tensor logits =
      (at::matmul(features, features.t()) / temperature).masked_fill(self, -INFINITY);
  const torch::Tensor log_p = at::log_softmax(logits, -1).masked_fill(self, 0.0);
  const torch::Tensor positive =
      labels.unsqueeze(0).eq(labels.unsqueeze(1)).logical_and(self.logical_not());
  const torch::Tensor each = positive.sum(1);
  const torch::Tensor rows = each.gt(0);
  const torch::Tensor mean = (log_p * positive).sum(1) / each.clamp_min(1);
  return -(mean * rows).sum() / rows.sum().clamp_min(1);
}

}  // namespace mien::loss
