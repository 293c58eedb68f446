#include "loss/cross_entropy.h"

#include <ATen/ATen.h>

namespace mien::loss {

torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& labels,
                            double smoothing) {
  const torch::Tensor log_p = at::log_softmax(logits, -1);
  const torch::Tensor chosen = log_p.gather(1, labels.unsqueeze(1)).squeeze(1);
  return -((1.0 - smoothing) * chosen + smoothing * log_p.mean(-1)).mean();
}

torch::Tensor soft_cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  return -(targets * at::log_softmax(logits, -1)).sum(-1).mean();
}

}  // namespace mien::loss
