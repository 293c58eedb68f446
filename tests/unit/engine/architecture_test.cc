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

// methods-emoclip §16: mlp.0 [256, 512], mlp.2 [K, 256].
TEST(Architecture, RegressionHeads) {
  Architecture a = vit_b32();
  a.regression = RegressionHead{.hidden = 256, .targets = 3};
  EXPECT_EQ(a.parameter_count() - vit_b32().parameter_count(), 256U * 512 + 256 + 3 * 256 + 3);
  EXPECT_EQ(*Architecture::parse(a.to_json(), "a"), a);
  a.regression->hidden = 0;
  EXPECT_EQ(a.parameter_count() - vit_b32().parameter_count(), 3U * 512 + 3);
  EXPECT_EQ(*Architecture::parse(a.to_json(), "a"), a);
  const auto rows = expected_tensors(a);
  EXPECT_EQ(rows[rows.size() - 2].name, "mlp.0.weight");
  EXPECT_EQ(rows[rows.size() - 2].shape, (Shape{3, 512}));
}

TEST(Architecture, RejectsRegressionHeadsThatCannotBe) {
  const auto with = [](std::string_view text) {
    Json json = vit_b32().to_json();
    json.set("regression", *Json::parse(text));
    return Architecture::parse(json, "a").status();
  };
  EXPECT_TRUE(with(R"({"type": "mlp", "hidden": 256, "targets": 3})").ok());
  EXPECT_TRUE(with(R"({"type": "linear", "targets": 4096})").ok());
  EXPECT_TRUE(with("null").ok());
  for (const char* broken :
       {"3", "[]", "{}", R"({"type": "linear"})", R"({"type": "linear", "targets": 0})",
        R"({"type": "linear", "targets": 4097})", R"({"type": "linear", "targets": 1.5})",
        R"({"type": "linear", "targets": -1})", R"({"type": "linear", "targets": "3"})",
        R"({"type": "linear", "hidden": 8, "targets": 3})", R"({"type": "mlp", "targets": 3})",
        R"({"type": "mlp", "hidden": 0, "targets": 3})",
        R"({"type": "mlp", "hidden": 99999999999, "targets": 3})",
        R"({"type": "mlp", "hidden": 8, "targets": 3, "more": 1})"}) {
    EXPECT_EQ(with(broken).code(), StatusCode::kCorrupt) << broken;
  }
  EXPECT_EQ(with(R"({"type": "forest", "targets": 3})").message(),
            "a.regression: unknown regression 'forest' (expected linear or mlp)");
  Architecture a = vit_b32();
  a.regression = RegressionHead{.hidden = 0, .targets = 0};
  EXPECT_FALSE(a.validate("a").ok());
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
