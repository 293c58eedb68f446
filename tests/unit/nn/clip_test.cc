#include "nn/clip.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <set>

#include "nn/load.h"
#include "support/gradient_check.h"

namespace mien::nn {
namespace {

ClipOptions tiny_clip() {
  return {
      .visual =
          {.image_size = 8, .patch = 4, .width = 8, .layers = 2, .heads = 2, .mlp = 12, .embed = 6},
      .text = {.context = 7,
               .vocabulary = 11,
               .width = 8,
               .layers = 2,
               .heads = 2,
               .mlp = 10,
               .embed = 6}};
}

// The first place of the largest id ends a text; what follows is padding.
torch::Tensor two_texts() {
  return torch::tensor({{9, 1, 10, 0, 0, 0, 0}, {9, 4, 5, 6, 10, 0, 0}},
                       torch::dtype(torch::kInt64));
}

// EmoCLIP's 327 tensors are these of CLIP's two towers, 24 of the temporal model and two scales.
TEST(Clip, NamesOfThePublishedVitB32) {
  const Clip model(ClipOptions{});
  std::set<std::string> names;
  std::int64_t count = 0;
  for (const auto& [name, tensor] : model->published()) {
    names.insert(name);
    count += tensor.numel();
  }
  EXPECT_EQ(names.size() + 24 + 2, 327u);
  EXPECT_EQ(count + 1, 151'277'313);  // the published count has the logit scale
  for (const char* name :
       {"visual.conv1.weight", "visual.transformer.resblocks.11.attn.in_proj_bias", "visual.proj",
        "token_embedding.weight", "transformer.resblocks.0.mlp.c_proj.weight", "text_projection",
        "ln_final.bias", "positional_embedding", "visual.positional_embedding"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Clip, PaddingBehindTheEndChangesNothing) {
  torch::manual_seed(1);
  Clip model(tiny_clip());
  torch::Tensor tokens = two_texts();
  const torch::Tensor before = model->encode_text(tokens);
  tokens[0][5] = 3;
  EXPECT_TRUE(at::equal(model->encode_text(tokens), before));
  EXPECT_LT((model->encode_text(tokens.narrow(0, 0, 1)) - before.narrow(0, 0, 1))
                .abs()
                .max()
                .item<float>(),
            1e-6F);
}

TEST(Clip, GradientsOfTheImageTower) {
  torch::manual_seed(2);
  Vit model(tiny_clip().visual);
  model->to(torch::kFloat64);
  const torch::Tensor x = torch::randn({2, 3, 8, 8}, torch::kFloat64);
  const torch::Tensor weights = torch::randn({2, 6}, torch::kFloat64);
  test::expect_gradients([&] { return (model->forward(x) * weights).sum(); },
                         named_parameters(*model), 3);
}

TEST(Clip, GradientsOfTheTextTower) {
  torch::manual_seed(3);
  TextTower model(tiny_clip().text);
  model->to(torch::kFloat64);
  const torch::Tensor weights = torch::randn({2, 6}, torch::kFloat64);
  test::expect_gradients([&] { return (model->forward(two_texts()) * weights).sum(); },
                         named_parameters(*model), 3);
}

TEST(Clip, VectorsInThePlaceOfTokens) {
  torch::manual_seed(4);
  Clip model(tiny_clip());
  const torch::Tensor tokens = two_texts();
  const torch::Tensor vectors = model->text()->token_vectors(tokens);
  EXPECT_TRUE(model->text()
                  ->forward_vectors(vectors, tokens.argmax(1))
                  .allclose(model->encode_text(tokens), 1e-5, 1e-6));
  model->to(torch::kFloat64);
  torch::Tensor learned = vectors.detach().to(torch::kFloat64).clone();
  const torch::Tensor weights = torch::randn({2, 6}, torch::kFloat64);
  test::expect_gradients(
      [&] { return (model->text()->forward_vectors(learned, tokens.argmax(1)) * weights).sum(); },
      {{"vectors", learned}}, 40);
}

TEST(Clip, Bf16InputsWorkUnderAutocastTypes) {
  torch::manual_seed(4);
  Vit model(tiny_clip().visual);
  const torch::Tensor x = torch::randn({2, 3, 8, 8});
  const torch::Tensor truth = model->forward(x);
  model->to(torch::kBFloat16);
  const torch::Tensor low = model->forward(x.to(torch::kBFloat16)).to(torch::kFloat32);
  EXPECT_GT(at::cosine_similarity(truth, low, 1).min().item<float>(), 0.99F);
}

}  // namespace
}  // namespace mien::nn
