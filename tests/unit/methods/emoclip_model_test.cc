#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/tiny_bundle.h"
#include "methods/emoclip/model.h"
#include "mien/loss/contrastive.h"
#include "support/test_support.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;

EmoclipOptions small(const std::string& trains) {
  EmoclipOptions out;
  out.tower = {.embed = 32,
               .image_size = 16,
               .patch = 8,
               .width = 32,
               .layers = 1,
               .heads = 2,
               .text_width = 32,
               .text_layers = 1,
               .text_heads = 2};
  out.trains = trains;
  return out;
}

std::set<std::string> trained(EmoclipModel& model, const EmoclipOptions& options) {
  std::set<std::string> out;
  for (const ParameterGroup& group : model.groups(options)) {
    for (const auto& [name, tensor] : group.parameters) {
      EXPECT_TRUE(tensor.requires_grad()) << name;
      out.insert(name);
    }
  }
  for (const auto& [name, tensor] : model.named()) {
    EXPECT_EQ(tensor.requires_grad(), out.contains(name)) << name;
  }
  return out;
}

// methods-emoclip §7.
TEST(EmoclipModel, WhatTrainsInEachMode) {
  for (const std::string mode : {"temporal", "visual", "text", "both", "all"}) {
    const EmoclipOptions options = small(mode);
    auto model = make_emoclip_model(options, 1);
    ASSERT_TRUE(model.ok()) << model.status().message();
    const auto names = trained(*model, options);
    const bool visual = mode == "visual" || mode == "both" || mode == "all";
    const bool text = mode == "text" || mode == "both" || mode == "all";
    EXPECT_TRUE(names.contains("logit_scale"));
    EXPECT_TRUE(names.contains("temporal.cls_token"));
    EXPECT_EQ(names.contains("visual.conv1.weight"), visual) << mode;
    EXPECT_EQ(names.contains("visual.proj"), visual) << mode;
    EXPECT_EQ(names.contains("transformer.resblocks.0.ln_1.weight"), text) << mode;
    for (const char* name :
         {"token_embedding.weight", "positional_embedding", "ln_final.weight", "text_projection"}) {
      EXPECT_EQ(names.contains(name), mode == "all") << mode << " " << name;
    }
  }
}

TEST(EmoclipModel, FineTunedTowersHaveTheirOwnRate) {
  const EmoclipOptions options = small("both");
  auto model = make_emoclip_model(options, 1);
  ASSERT_TRUE(model.ok());
  const auto groups = model->groups(options);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].lr_factor, 1.0);
  EXPECT_EQ(groups[1].lr_factor, 0.001);
  EXPECT_EQ(model->groups(small("temporal")).size(), 1u);
}

// A step in every mode changes what trains, bit by bit nothing else.
TEST(EmoclipModel, AStepLeavesFrozenTensorsAlone) {
  for (const std::string mode : {"temporal", "visual", "text", "both"}) {
    const EmoclipOptions options = small(mode);
    auto model = make_emoclip_model(options, 2);
    ASSERT_TRUE(model.ok());
    std::vector<torch::Tensor> before;
    for (const auto& [name, tensor] : model->named()) before.push_back(tensor.detach().clone());
    torch::Tensor tokens = torch::zeros({3, 77}, torch::kInt64);
    for (int n = 0; n < 3; ++n) {
      tokens[n][0] = 762;
      tokens[n][1] = 10 + n;
      tokens[n][2] = 763;
    }
    const torch::Tensor videos = model->clips(model->frames(torch::randn({3, 4, 3, 16, 16})));
    loss::symmetric_contrastive(videos, model->texts(tokens), model->tau.exp()).backward();
    const auto names = trained(*model, options);
    const at::NoGradGuard no_grad;
    std::size_t i = 0;
    for (const auto& [name, tensor] : model->named()) {
      if (tensor.grad().defined()) torch::Tensor(tensor).sub_(tensor.grad());
      EXPECT_TRUE(names.contains(name) || at::equal(tensor, before[i])) << mode << " " << name;
      if (name == "temporal.temporal_transformer.layers.0.0.fn.fn.to_qkv.weight" ||
          name == "logit_scale" || (name == "visual.proj" && model->trains_visual)) {
        EXPECT_FALSE(at::equal(tensor, before[i])) << mode << " " << name;
      }
      ++i;
    }
  }
}

TEST(EmoclipModel, TowersOfABundleGiveItsEmbeddings) {
  const test::TempDir dir;
  ASSERT_TRUE(engine::write_tiny_bundle(dir / "tiny").ok());
  EmoclipOptions options;
  options.init = (dir / "tiny").string();
  auto model = make_emoclip_model(options, 3);
  ASSERT_TRUE(model.ok()) << model.status().message();
  const auto bundle = engine::Bundle::load(dir / "tiny");
  ASSERT_TRUE(bundle.ok());
  EXPECT_NEAR(model->tau.exp().item<double>(), (*bundle)->info().logit_scale, 1e-4);
  const torch::Tensor pixels = torch::randn({1, 2, 3, 32, 32});
  const torch::Tensor frames = model->frames(pixels);
  std::vector<float> found(2 * 32);
  engine::Session session;
  const auto encoder = (*bundle)->image_encoder();
  ASSERT_TRUE(encoder.ok());
  ASSERT_TRUE((*encoder)->encode(pixels.data_ptr<float>(), 2, found.data(), session).ok());
  EXPECT_LT((frames.view({-1}) - torch::from_blob(found.data(), {64})).abs().max().item<float>(),
            1e-4F);
  EXPECT_FALSE(frames.requires_grad());
}

TEST(EmoclipModel, NamedTensorsAreThoseOfTheArchitecture) {
  auto model = make_emoclip_model(small("temporal"), 1);
  ASSERT_TRUE(model.ok());
  std::set<std::string> expected = {"logit_scale"}, found;
  for (const auto& tensor : engine::expected_tensors(model->architecture)) {
    expected.insert(tensor.name);
  }
  for (const auto& [name, tensor] : model->named()) found.insert(name);
  EXPECT_EQ(found, expected);
}

TEST(EmoclipModel, TheSeedDecides) {
  auto a = make_emoclip_model(small("all"), 7), b = make_emoclip_model(small("all"), 7);
  auto c = make_emoclip_model(small("all"), 8);
  ASSERT_TRUE(a.ok() && b.ok() && c.ok());
  EXPECT_TRUE(at::equal(a->named()[0].second, b->named()[0].second));
  EXPECT_FALSE(at::equal(a->named()[0].second, c->named()[0].second));
}

TEST(EmoclipModel, BadOptions) {
  EmoclipOptions options = small("nothing");
  EXPECT_THAT(test::problem_of(make_emoclip_model(options, 1)),
              HasSubstr("emoclip.trains: 'nothing' (expected one of temporal, visual"));
  options = small("all");
  options.temporal = "lstm";
  EXPECT_FALSE(make_emoclip_model(options, 1).ok());
  options = small("all");
  options.tower.patch = 7;
  EXPECT_FALSE(make_emoclip_model(options, 1).ok());
  options.tower.patch = 0;
  EXPECT_FALSE(make_emoclip_model(options, 1).ok());
  options = small("all");
  options.init = "no-such-bundle";
  EXPECT_FALSE(make_emoclip_model(options, 1).ok());
}

}  // namespace
}  // namespace mien::methods
