#include "mien/engine/architecture.h"

#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::engine {
namespace {

Architecture vit_b32() {
  Architecture a;
  a.embed = 512;
  a.image = {.image_size = 224, .patch = 32, .width = 768, .layers = 12, .heads = 12, .mlp = 3072};
  a.text = TextTower{
      .context = 77, .vocabulary = 49408, .width = 512, .layers = 12, .heads = 8, .mlp = 2048};
  return a;
}

TEST(Architecture, CountsTheParametersOfClipVitB32) {
  EXPECT_EQ(vit_b32().parameter_count(), 151277313U);
  EXPECT_EQ(expected_tensors(vit_b32()).size(), 301U);
  Architecture image_only = vit_b32();
  image_only.text.reset();
  EXPECT_EQ(image_only.parameter_count(), 87849217U);
}

TEST(Architecture, RoundTripsThroughJson) {
  Architecture a = vit_b32();
  a.text->activation = kernels::Activation::kGelu;
  const auto again = Architecture::parse(a.to_json(), "a");
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(*again, a);
  a.text.reset();
  EXPECT_EQ(*Architecture::parse(a.to_json(), "a"), a);
}

TemporalTower emoclip_temporal() {
  return {.width = 512, .layers = 2, .heads = 8, .head_width = 2048, .mlp = 512, .positions = 1024};
}

// methods-emoclip: 327 tensors in all; one of the two logit scales is the bundle's.
TEST(Architecture, TemporalPartOfEmoclip) {
  Architecture a = vit_b32();
  a.temporal = emoclip_temporal();
  MIEN_ASSERT_OK(a.validate("a"));
  EXPECT_EQ(expected_tensors(a).size(), 325U);
  EXPECT_EQ(a.parameter_count() - vit_b32().parameter_count(), 68'689'408U);
  const auto again = Architecture::parse(a.to_json(), "a");
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(*again, a);
}

TEST(Architecture, AttentionPoolHasItsOwnTensors) {
  Architecture a = vit_b32();
  a.temporal = TemporalTower{.width = 512, .hidden = 64, .positions = 33};
  const auto again = Architecture::parse(a.to_json(), "b");
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(*again, a);
  std::vector<std::string> names;
  for (const ExpectedTensor& tensor : expected_tensors(a)) {
    if (tensor.name.starts_with("temporal.")) names.push_back(tensor.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"temporal.score.0.weight", "temporal.score.0.bias",
                                             "temporal.score.2.weight"}));
  a.temporal->width = 256;
  EXPECT_FALSE(Architecture::parse(a.to_json(), "b").ok());
  a.temporal->width = 512;
  Json json = a.to_json();
  Json* temporal = nullptr;
  for (auto& [key, value] : json.as_object()) {
    if (key == "temporal") temporal = &value;
  }
  ASSERT_NE(temporal, nullptr);
  temporal->set("heads", 8);
  EXPECT_FALSE(Architecture::parse(json, "b").ok());
}

TEST(Architecture, RejectsTemporalSizesThatDoNotFit) {
  const auto with = [](auto change) {
    Architecture a = vit_b32();
    a.temporal = emoclip_temporal();
    change(*a.temporal);
    return a.validate("a");
  };
  EXPECT_TRUE(with([](TemporalTower&) {}).ok());
  EXPECT_FALSE(with([](TemporalTower& t) { t.width = 256; }).ok());
  EXPECT_FALSE(with([](TemporalTower& t) { t.head_width = 40; }).ok());
  EXPECT_FALSE(with([](TemporalTower& t) { t.positions = 1; }).ok());
  EXPECT_FALSE(with([](TemporalTower& t) { t.heads = 16384; }).ok());
  Architecture a = vit_b32();
  Json json = a.to_json();
  json.set("temporal", 3);
  EXPECT_FALSE(Architecture::parse(json, "a").ok());
  json.set("temporal", nullptr);
  EXPECT_TRUE(Architecture::parse(json, "a").ok());
}

TEST(Architecture, RejectsSizesThatCannotBe) {
  const auto broken = [](auto change) {
    Json json = vit_b32().to_json();
    change(json);
    return Architecture::parse(json, "bundle.json: architecture").status();
  };
  const auto set_image = [&](const char* key, Json value) {
    return broken(
        [&](Json& json) { const_cast<Json*>(json.find("image"))->set(key, std::move(value)); });
  };
  EXPECT_EQ(set_image("width", 0).message(),
            "bundle.json: architecture.image: 'width' is out of range (expected 1..16384, got 0)");
  EXPECT_FALSE(set_image("width", 770).ok());
  EXPECT_FALSE(set_image("heads", 7).ok());
  EXPECT_FALSE(set_image("patch", 33).ok());
  EXPECT_FALSE(set_image("layers", 100000).ok());
  EXPECT_FALSE(set_image("layers", 1.5).ok());
  EXPECT_FALSE(set_image("surprise", 1).ok());
  EXPECT_FALSE(set_image("activation", "tanh").ok());
  EXPECT_FALSE(set_image("type", "resnet").ok());
  EXPECT_FALSE(broken([](Json& json) { json.set("text", 3); }).ok());
  EXPECT_FALSE(broken([](Json& json) { json = Json::array(); }).ok());
  EXPECT_FALSE(Architecture::parse(Json::object(), "a").ok());
}

}  // namespace
}  // namespace mien::engine
