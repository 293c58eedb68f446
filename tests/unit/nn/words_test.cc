#include "nn/words.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/gradient_check.h"

namespace mien::nn {
namespace {

WordTowerOptions tiny_words() {
  return {.context = 6,
          .words = 9,
          .buckets = 3,
          .word_width = 5,
          .width = 8,
          .layers = 2,
          .heads = 2,
          .mlp = 10,
          .embed = 6};
}

TEST(WordTower, VectorsInThePlaceOfWords) {
  torch::manual_seed(1);
  WordTower tower(tiny_words(), torch::randn({9, 5}));
  const torch::Tensor ids =
      torch::tensor({{3, 1, 11, 0, 0, 0}, {2, 4, 5, 9, 12, 0}}, torch::dtype(torch::kInt64));
  const torch::Tensor used = ids.ne(0);
  const torch::Tensor vectors = tower->token_vectors(ids);
  EXPECT_TRUE(tower->forward_vectors(vectors, used).allclose(tower->forward(ids), 1e-5, 1e-6));
  tower->to(torch::kFloat64);
  torch::Tensor learned = vectors.narrow(1, 0, 3).detach().to(torch::kFloat64).clone();
  const torch::Tensor all = torch::ones({2, 3}, torch::kBool);
  const torch::Tensor weights = torch::randn({2, 6}, torch::kFloat64);
  test::expect_gradients([&] { return (tower->forward_vectors(learned, all) * weights).sum(); },
                         {{"vectors", learned}}, 30);
}

}  // namespace
}  // namespace mien::nn
