#include "nn/temporal_attention.h"

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "nn/layers.h"

namespace mien::nn {
namespace {

// The weights of every head: query, key and value [heads, head_width, width].
std::vector<torch::Tensor> head_weights(const torch::Tensor& qkv, const AttentionSizes& s) {
  // chunk and not narrow: the gradient of a chunk is written once, that of three narrowed parts is
  // three whole tensors of zeros that are added up.
  std::vector<torch::Tensor> out = qkv.chunk(3, 0);
  for (torch::Tensor& part : out) part = part.view({s.heads, s.head_width, s.width});
  return out;
}

torch::Tensor as_written(const torch::Tensor& z, const torch::Tensor& qkv, const torch::Tensor& out,
                         const torch::Tensor& bias, const AttentionSizes& s) {
  const std::vector<torch::Tensor> weights = qkv.chunk(3, 0);
  const auto heads = [&](const torch::Tensor& rows, const torch::Tensor& weight) {
    return at::linear(rows, weight)
        .view({s.batch, rows.size(1), s.heads, s.head_width})
        .transpose(1, 2);
  };
  const torch::Tensor attended = attention(heads(z.narrow(1, 0, s.queries), weights[0]),
                                           heads(z, weights[1]), heads(z, weights[2]), {});
  return at::linear(attended.transpose(1, 2).reshape({s.batch, s.queries, -1}), out, bias);
}

// With u = query rows through query and key weights, [queries of a clip times heads, width] per
// clip: the logits are u z^T, and what is attended is a mean of tokens.
torch::Tensor mean_of_tokens(const torch::Tensor& u, const torch::Tensor& z,
                             const AttentionSizes& s) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(s.head_width));
  const torch::Tensor rows = u.view({s.batch, s.queries * s.heads, s.width});
  return at::bmm(at::softmax(at::bmm(rows, z.transpose(1, 2)) * scale, -1), z);
}

torch::Tensor by_weights(const torch::Tensor& z, const torch::Tensor& qkv, const torch::Tensor& out,
                         const torch::Tensor& bias, const AttentionSizes& s) {
  const std::vector<torch::Tensor> w = head_weights(qkv, s);
  const torch::Tensor to_logits =
      at::bmm(w[0].transpose(1, 2), w[1]).transpose(0, 1).reshape({s.width, s.heads * s.width});
  const torch::Tensor out_heads = out.t().view({s.heads, s.head_width, s.width});
  const torch::Tensor to_output =
      at::bmm(w[2].transpose(1, 2), out_heads).view({s.heads * s.width, s.width});
  const torch::Tensor rows = z.narrow(1, 0, s.queries).reshape({-1, s.width});
  const torch::Tensor means = mean_of_tokens(at::matmul(rows, to_logits), z, s);
  return at::addmm(bias, means.view({-1, s.heads * s.width}), to_output)
      .view({s.batch, s.queries, s.width});
}

torch::Tensor by_tokens(const torch::Tensor& z, const torch::Tensor& qkv, const torch::Tensor& out,
                        const torch::Tensor& bias, const AttentionSizes& s) {
  const std::vector<torch::Tensor> w = head_weights(qkv, s);
  const std::int64_t count = s.batch * s.queries;
  const torch::Tensor rows = z.narrow(1, 0, s.queries).reshape({count, s.width});
  const torch::Tensor q =
      at::linear(rows, w[0].flatten(0, 1)).view({count, s.heads, s.head_width}).transpose(0, 1);
  const torch::Tensor u = at::bmm(q, w[1]).transpose(0, 1).contiguous();
  const torch::Tensor means = mean_of_tokens(u, z, s).view({count, s.heads, s.width});
  const torch::Tensor v = at::bmm(means.transpose(0, 1), w[2].transpose(1, 2));
  return at::linear(v.transpose(0, 1).reshape({count, -1}), out, bias)
      .view({s.batch, s.queries, s.width});
}

}  // namespace

// Multiplications of one head; the MLP and the norms are the same for all.
AttentionOrder cheapest_order(const AttentionSizes& s) {
  const std::int64_t queries = s.batch * s.queries;
  const std::int64_t product = s.width * s.head_width;
  const std::int64_t heads =
      2 * product * (queries + s.batch * s.tokens) + 2 * queries * s.tokens * s.head_width;
  const std::int64_t means = 2 * queries * s.tokens * s.width;
  const std::int64_t tokens = 4 * product * queries + means;
  const std::int64_t weights = 2 * product * s.width + 2 * queries * s.width * s.width + means;
  if (heads <= tokens && heads <= weights) return AttentionOrder::kHeads;
  return tokens <= weights ? AttentionOrder::kTokens : AttentionOrder::kWeights;
}

torch::Tensor attend(const torch::Tensor& z, const torch::Tensor& qkv, const torch::Tensor& out,
                     const torch::Tensor& bias, const AttentionSizes& sizes, AttentionOrder order) {
  switch (order) {
    case AttentionOrder::kWeights: return by_weights(z, qkv, out, bias, sizes);
    case AttentionOrder::kTokens: return by_tokens(z, qkv, out, bias, sizes);
    case AttentionOrder::kHeads: break;
  }
  return as_written(z, qkv, out, bias, sizes);
}

}  // namespace mien::nn
