#include "nn/temporal_attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/gradient_check.h"

namespace mien::nn {
namespace {

struct Weights {
  torch::Tensor qkv, out, bias;
};

Weights random_weights(const AttentionSizes& s) {
  const std::int64_t inner = s.heads * s.head_width;
  return {torch::randn({3 * inner, s.width}, torch::kFloat64),
          torch::randn({s.width, inner}, torch::kFloat64),
          torch::randn({s.width}, torch::kFloat64)};
}

// Head by head and token by token, from the definition.
torch::Tensor by_hand(const torch::Tensor& z, const Weights& w, const AttentionSizes& s) {
  const std::int64_t inner = s.heads * s.head_width;
  torch::Tensor result = w.bias.expand({s.batch, s.queries, s.width}).clone();
  for (std::int64_t h = 0; h < s.heads; ++h) {
    const auto part = [&](std::int64_t which) {
      return at::matmul(z, w.qkv.narrow(0, which * inner + h * s.head_width, s.head_width).t());
    };
    const torch::Tensor q = part(0).narrow(1, 0, s.queries), k = part(1), v = part(2);
    const torch::Tensor weights = at::softmax(
        at::matmul(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(s.head_width)), -1);
    result +=
        at::matmul(at::matmul(weights, v), w.out.narrow(1, h * s.head_width, s.head_width).t());
  }
  return result;
}

constexpr AttentionOrder kOrders[] = {AttentionOrder::kHeads, AttentionOrder::kWeights,
                                      AttentionOrder::kTokens};

TEST(TemporalAttention, EveryOrderGivesTheDefinition) {
  torch::manual_seed(3);
  for (const std::int64_t queries : {1, 3, 5}) {
    const AttentionSizes s = {
        .batch = 3, .tokens = 5, .queries = queries, .width = 6, .heads = 2, .head_width = 7};
    const Weights w = random_weights(s);
    const torch::Tensor z = torch::randn({3, 5, 6}, torch::kFloat64);
    const torch::Tensor truth = by_hand(z, w, s);
    for (const AttentionOrder order : kOrders) {
      const torch::Tensor found = attend(z, w.qkv, w.out, w.bias, s, order);
      ASSERT_EQ(found.sizes(), truth.sizes());
      EXPECT_LT((found - truth).abs().max().item<double>(), 1e-12);
    }
  }
}

TEST(TemporalAttention, GradientsOfEveryOrder) {
  torch::manual_seed(4);
  const AttentionSizes s = {
      .batch = 2, .tokens = 4, .queries = 3, .width = 5, .heads = 2, .head_width = 3};
  const Weights w = random_weights(s);
  const torch::Tensor z = torch::randn({2, 4, 5}, torch::kFloat64);
  const torch::Tensor weights = torch::randn({2, 3, 5}, torch::kFloat64);
  for (const AttentionOrder order : kOrders) {
    test::expect_gradients(
        [&] { return (attend(z, w.qkv, w.out, w.bias, s, order) * weights).sum(); },
        {{"z", z}, {"qkv", w.qkv}, {"out", w.out}, {"bias", w.bias}});
  }
}

TEST(TemporalAttention, TheCheapestOrder) {
  // EmoCLIP's heads: the weights first; in the last block, for one token, the tokens.
  AttentionSizes s = {
      .batch = 64, .tokens = 33, .queries = 33, .width = 512, .heads = 8, .head_width = 2048};
  EXPECT_EQ(cheapest_order(s), AttentionOrder::kWeights);
  s.queries = 1;
  EXPECT_EQ(cheapest_order(s), AttentionOrder::kTokens);
  s = {.batch = 64, .tokens = 33, .queries = 33, .width = 512, .heads = 8, .head_width = 64};
  EXPECT_EQ(cheapest_order(s), AttentionOrder::kHeads);
}

}  // namespace
}  // namespace mien::nn
