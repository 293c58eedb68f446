#include "nn/temporal.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "mien/core/check.h"
#include "nn/load.h"
#include "support/gradient_check.h"

namespace mien::nn {
namespace {

// methods-emoclip: 68,164,608 of two blocks, 512 of the class token, 524,288 of the positions.
TEST(Temporal, ParameterCountOfEmoclip) {
  const TemporalTransformer model(TemporalOptions{});
  std::int64_t count = 1;  // the logit scale lies beside it
  for (const auto& p : model->parameters()) count += p.numel();
  EXPECT_EQ(count, 68'689'409);
}

TEST(Temporal, NamesAndShapesOfEmoclip) {
  const TemporalTransformer model(TemporalOptions{});
  std::map<std::string, std::vector<std::int64_t>> expected = {{"cls_token", {1, 1, 512}},
                                                               {"pos_embedding", {1, 1024, 512}}};
  for (const char* j : {"0", "1"}) {
    const std::string block = std::string("temporal_transformer.layers.") + j + ".";
    expected[block + "0.fn.norm.weight"] = expected[block + "0.fn.norm.bias"] = {512};
    expected[block + "0.fn.fn.to_qkv.weight"] = {49152, 512};
    expected[block + "0.fn.fn.to_out.0.weight"] = {512, 16384};
    expected[block + "0.fn.fn.to_out.0.bias"] = {512};
    expected[block + "1.fn.norm.weight"] = expected[block + "1.fn.norm.bias"] = {512};
    for (const char* layer : {"0", "3"}) {
      expected[block + "1.fn.fn.net." + layer + ".weight"] = {512, 512};
      expected[block + "1.fn.fn.net." + layer + ".bias"] = {512};
    }
  }
  std::map<std::string, std::vector<std::int64_t>> found;
  for (const auto& [name, tensor] : named_parameters(*model)) found[name] = tensor.sizes().vec();
  EXPECT_EQ(found, expected);
}

TEST(Temporal, OrderOfFramesMatters) {
  torch::manual_seed(1);
  TemporalTransformer model(TemporalOptions{
      .width = 16, .layers = 2, .heads = 2, .head_width = 32, .mlp = 16, .positions = 9});
  const torch::Tensor x = torch::randn({3, 5, 16});
  const torch::Tensor y = model->forward(x);
  EXPECT_EQ(y.sizes().vec(), (std::vector<std::int64_t>{3, 16}));
  EXPECT_GT((model->forward(x.flip(1)) - y).abs().max().item<float>(), 1e-3F);
  EXPECT_LT((model->forward(x.narrow(0, 1, 1)) - y.narrow(0, 1, 1)).abs().max().item<float>(),
            1e-5F);
}

TEST(Temporal, MoreFramesThanPositionsIsAContractBreak) {
  TemporalTransformer model(TemporalOptions{
      .width = 16, .layers = 1, .heads = 1, .head_width = 16, .mlp = 16, .positions = 4});
  EXPECT_THROW(model->forward(torch::randn({1, 4, 16})), ContractError);
}

TEST(Temporal, Gradients) {
  torch::manual_seed(2);
  TemporalTransformer model(TemporalOptions{
      .width = 6, .layers = 2, .heads = 2, .head_width = 8, .mlp = 5, .positions = 5});
  model->to(torch::kFloat64);
  const torch::Tensor x = torch::randn({2, 4, 6}, torch::kFloat64);
  const torch::Tensor weights = torch::randn({2, 6}, torch::kFloat64);
  test::expect_gradients([&] { return (model->forward(x) * weights).sum(); },
                         named_parameters(*model), 4);
}

// Heads that are narrower than tokens are multiplied in another order.
TEST(Temporal, GradientsWithNarrowHeads) {
  torch::manual_seed(2);
  TemporalTransformer model(TemporalOptions{
      .width = 8, .layers = 2, .heads = 4, .head_width = 2, .mlp = 5, .positions = 5});
  model->to(torch::kFloat64);
  const torch::Tensor x = torch::randn({2, 4, 8}, torch::kFloat64);
  const torch::Tensor weights = torch::randn({2, 8}, torch::kFloat64);
  test::expect_gradients([&] { return (model->forward(x) * weights).sum(); },
                         named_parameters(*model), 4);
}

}  // namespace
}  // namespace mien::nn
