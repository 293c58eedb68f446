#pragma once

#include <torch/types.h>

#include <cstdint>

namespace mien::nn {

/// In which order the matrices of attention are multiplied; all give the same result. Heads may be
/// wider than tokens (EmoCLIP's: 2048 against 512), and then the parameters of a head are worth
/// multiplying with each other first, or the tokens are worth keeping at their own width.
enum class AttentionOrder {
  kHeads,    ///< as written: queries, keys and values of every token
  kWeights,  ///< query by key and value by output weights first
  kTokens,   ///< few queries: through the weights one after the other
};

struct AttentionSizes {
  std::int64_t batch = 0;
  std::int64_t tokens = 0;
  std::int64_t queries = 0;  ///< the first tokens, which alone are wanted
  std::int64_t width = 0;
  std::int64_t heads = 0;
  std::int64_t head_width = 0;
};

/// The order of the fewest multiplications.
AttentionOrder cheapest_order(const AttentionSizes& sizes);

/// Attention of the first tokens over all of them, with EmoCLIP's weights: `qkv` [3 * heads *
/// head_width, width] without a bias, `out` [width, heads * head_width].
/// Shape: z [batch, tokens, width] -> [batch, queries, width].
torch::Tensor attend(const torch::Tensor& z, const torch::Tensor& qkv, const torch::Tensor& out,
                     const torch::Tensor& bias, const AttentionSizes& sizes, AttentionOrder order);

}  // namespace mien::nn
