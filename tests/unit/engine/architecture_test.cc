#include "mien/engine/architecture.h"

#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::engine {
namespace {

Architecture vit_b32() {
  Architecture a;
  a.embed = 512;
  a.image = VitSizes{
      .image_size = 224, .patch = 32, .width = 768, .layers = 12, .heads = 12, .mlp = 3072};
  a.text = ClipTextSizes{
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
  std::get<ClipTextSizes>(*a.text).activation = kernels::Activation::kGelu;
  const auto again = Architecture::parse(a.to_json(), "a");
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(*again, a);
  a.text.reset();
  EXPECT_EQ(*Architecture::parse(a.to_json(), "a"), a);
}

TemporalTransformerSizes emoclip_temporal() {
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
  a.temporal = AttentionPoolSizes{.width = 512, .hidden = 64, .positions = 33};
  const auto again = Architecture::parse(a.to_json(), "b");
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(*again, a);
  std::vector<std::string> names;
  for (const ExpectedTensor& tensor : expected_tensors(a)) {
    if (tensor.name.starts_with("temporal.")) names.push_back(tensor.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"temporal.score.0.weight", "temporal.score.0.bias",
                                             "temporal.score.2.weight"}));
  std::get<AttentionPoolSizes>(*a.temporal).width = 256;
  EXPECT_FALSE(Architecture::parse(a.to_json(), "b").ok());
  std::get<AttentionPoolSizes>(*a.temporal).width = 512;
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
    TemporalTransformerSizes sizes = emoclip_temporal();
    change(sizes);
    a.temporal = sizes;
    return a.validate("a");
  };
  EXPECT_TRUE(with([](TemporalTransformerSizes&) {}).ok());
  EXPECT_FALSE(with([](TemporalTransformerSizes& t) { t.width = 256; }).ok());
  EXPECT_FALSE(with([](TemporalTransformerSizes& t) { t.head_width = 40; }).ok());
  EXPECT_FALSE(with([](TemporalTransformerSizes& t) { t.positions = 1; }).ok());
  EXPECT_FALSE(with([](TemporalTransformerSizes& t) { t.heads = 16384; }).ok());
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

Architecture swin_t() {
  Architecture a;
  a.embed = 512;
  a.image = SwinSizes{.image_size = 112,
                      .patch = 2,
                      .width = 96,
                      .depths = {2, 2, 6, 2},
                      .heads = {3, 6, 12, 24},
                      .window = 7,
                      .mlp_ratio = 4,
                      .feature_head = true};
  a.neutral = NeutralNetwork{.hidden = 128, .from = 0.1, .to = 1.5};
  return a;
}

TEST(Architecture, SwinRoundTripsThroughJson) {
  Architecture a = swin_t();
  const auto again = Architecture::parse(a.to_json(), "a");
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(*again, a);
  auto& sizes = std::get<SwinSizes>(a.image);
  sizes.image_size = 224;
  sizes.patch = 4;
  sizes.feature_head = false;
  a.embed = 768;
  a.neutral.reset();
  const auto plain = Architecture::parse(a.to_json(), "a");
  MIEN_ASSERT_OK(plain);
  EXPECT_EQ(*plain, a);
  // One more for logit_scale.
  EXPECT_EQ(plain->parameter_count(), 28'288'354U - 769'000U + 1U);
}

TEST(Architecture, RejectsSwinSizesThatCannotBe) {
  const auto with = [](auto change) {
    Architecture a = swin_t();
    change(std::get<SwinSizes>(a.image));
    return a.validate("a").ok() && Architecture::parse(a.to_json(), "a").ok();
  };
  EXPECT_TRUE(with([](SwinSizes&) {}));
  EXPECT_FALSE(with([](SwinSizes& s) { s.image_size = 113; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.image_size = 28; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.image_size = s.patch = 4096; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.patch = 3; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.patch = 0; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.window = 6; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.window = -7; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.heads = {3, 6, 12}; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.heads[0] = 0; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.heads[1] = 5; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.depths[2] = 0; }));
  EXPECT_FALSE(with([](SwinSizes& s) {
    s.depths.clear();
    s.heads.clear();
  }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.width = 16384; }));
  EXPECT_FALSE(with([](SwinSizes& s) { s.feature_head = false; }));
  // Biases of 256 blocks of windows of 1024 places, and a first stage of 2 GB.
  EXPECT_FALSE(with([](SwinSizes& s) {
    s.image_size = 1792;
    s.patch = 7;
    s.window = 32;
    s.depths[2] = 256;
  }));
  EXPECT_FALSE(with([](SwinSizes& s) {
    s.image_size = 3584;
    s.patch = 1;
    s.width = 48 * 8;
    s.heads = {24, 24, 24, 24};
  }));
  Json json = swin_t().to_json();
  const_cast<Json*>(json.find("image"))->set("surprise", 1);
  EXPECT_FALSE(Architecture::parse(json, "a").ok());
}

TEST(Architecture, RejectsNeutralDistancesThatCannotBe) {
  for (const auto& [from, to] : {std::pair{0.5, 0.5}, {-0.1, 1.0}, {0.2, 2.5}, {1.0, 0.2}}) {
    Architecture a = swin_t();
    a.neutral->from = from;
    a.neutral->to = to;
    EXPECT_FALSE(a.validate("a").ok()) << from << " " << to;
  }
}

TEST(Architecture, ResidualWithoutProjectionGivesItsFeatures) {
  Architecture a;
  a.embed = 512;
  a.image = ResidualSizes{.image_size = 224,
                          .channels = 3,
                          .stem_kernel = 7,
                          .stem_stride = 2,
                          .stem_width = 64,
                          .stem_pool = true,
                          .first_stride = 1,
                          .widths = {64, 128, 256, 512},
                          .blocks = {2, 2, 2, 2},
                          .projection = false};
  const auto again = Architecture::parse(a.to_json(), "a");
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(*again, a);
  // 11,176,512 parameters without the classifier, 9,600 running values, logit_scale.
  EXPECT_EQ(a.parameter_count(), 11'689'512U - 513'000U + 9'600U + 1U);
  a.embed = 256;
  EXPECT_FALSE(a.validate("a").ok());
}

}  // namespace
}  // namespace mien::engine
