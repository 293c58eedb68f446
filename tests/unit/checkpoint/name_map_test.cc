#include "checkpoint/name_map.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/test_support.h"
#include "unit/checkpoint/fake_clip.h"

namespace mien::checkpoint {
namespace {

using test::FakeCheckpoint;

std::vector<std::string> our_names(const std::vector<TensorSource>& plan) {
  std::vector<std::string> out;
  for (const TensorSource& row : plan) out.push_back(row.name);
  return out;
}

const TensorSource& row_of(const std::vector<TensorSource>& plan, std::string_view name) {
  const auto found = std::find_if(plan.begin(), plan.end(),
                                  [&](const TensorSource& row) { return row.name == name; });
  MIEN_CHECK(found != plan.end());
  return *found;
}

TEST(NameMap, EveryNamingGivesTheSameNamesInTheSameOrder) {
  const ClipShape s = test::tiny_clip();
  FakeCheckpoint openai;
  add_openai_image(openai, "", s);
  add_openai_text(openai, "", "", s);
  const auto first = map_clip_names(openai, ClipNaming::kOpenAi);
  MIEN_ASSERT_OK(first);
  EXPECT_EQ(first->size(), openai.tensors().size());
  EXPECT_EQ(first->front().name, "visual.class_embedding");
  EXPECT_EQ(first->back().name, "logit_scale");
  FakeCheckpoint hugging_face;
  add_hugging_face(hugging_face, s);
  const auto second = map_clip_names(hugging_face, ClipNaming::kHuggingFace);
  MIEN_ASSERT_OK(second);
  EXPECT_EQ(our_names(*first), our_names(*second));
  FakeCheckpoint open_clip;
  add_openai_image(open_clip, "", s);
  add_openai_text(open_clip, "", "text.", s);
  const auto third = map_clip_names(open_clip, ClipNaming::kOpenClip);
  MIEN_ASSERT_OK(third);
  EXPECT_EQ(our_names(*first), our_names(*third));
}

TEST(NameMap, HuggingFaceRows) {
  FakeCheckpoint file;
  add_hugging_face(file, test::tiny_clip());
  const auto plan = map_clip_names(file, ClipNaming::kHuggingFace);
  MIEN_ASSERT_OK(plan);
  EXPECT_TRUE(row_of(*plan, "visual.proj").transpose);
  EXPECT_EQ(row_of(*plan, "visual.ln_pre.weight").sources,
            (std::vector<std::string>{"vision_model.pre_layrnorm.weight"}));
  EXPECT_EQ(row_of(*plan, "transformer.resblocks.10.attn.in_proj_bias").sources,
            (std::vector<std::string>{"text_model.encoder.layers.10.self_attn.q_proj.bias",
                                      "text_model.encoder.layers.10.self_attn.k_proj.bias",
                                      "text_model.encoder.layers.10.self_attn.v_proj.bias"}));
}

TEST(NameMap, PrefixesAreSkipped) {
  for (const char* prefix : {"module.", "model.", "clip.", "backbone.", "module.backbone.",
                             "module.clip.", "model.module."}) {
    FakeCheckpoint file;
    add_openai_image(file, prefix, test::tiny_clip());
    add_openai_text(file, prefix, "", test::tiny_clip());
    EXPECT_EQ(detect_clip_naming(file), ClipNaming::kOpenAi) << prefix;
    const auto plan = map_clip_names(file, ClipNaming::kOpenAi);
    MIEN_ASSERT_OK(plan);
    EXPECT_EQ(plan->front().sources.front(), std::string(prefix) + "visual.class_embedding");
  }
}

// The published layout of EmoCLIP: wrapped, with a temporal model and a second logit scale.
TEST(NameMap, EmoClipLayout) {
  FakeCheckpoint file;
  add_openai_image(file, "module.backbone.", test::tiny_clip());
  add_openai_text(file, "module.backbone.", "", test::tiny_clip());
  file.set("module.logit_scale", {});
  test::add_temporal(file, "module.", 32);
  const auto plan = map_clip_names(file, detect_clip_naming(file));
  MIEN_ASSERT_OK(plan);
  EXPECT_EQ(plan->back().sources, (std::vector<std::string>{"module.logit_scale"}));
  const auto temporal = map_temporal_names(file, detect_clip_naming(file));
  MIEN_ASSERT_OK(temporal);
  EXPECT_EQ(temporal->size(), 24U);
  EXPECT_EQ(temporal->front().name, "temporal.cls_token");
  EXPECT_EQ(temporal->front().sources, (std::vector<std::string>{"module.temporal.cls_token"}));
  EXPECT_EQ(plan->size() + temporal->size(), file.tensors().size() - 1);  // the unused scale
  const auto shape = infer_temporal_shape(file, *temporal);
  MIEN_ASSERT_OK(shape);
  EXPECT_TRUE(
      (*shape == TemporalShape{.width = 32, .layers = 2, .inner = 64, .mlp = 48, .positions = 40}));
}

// EmoCLIP's downstream model: the image tower directly under `backbone.`, no text tower.
TEST(NameMap, BareImageLayout) {
  for (const char* prefix : {"", "module."}) {
    const std::string backbone = std::string(prefix) + "backbone.";
    FakeCheckpoint whole;
    add_openai_image(whole, "", test::tiny_clip());
    FakeCheckpoint file;
    for (const auto& [name, view] : whole.tensors()) {
      file.set(backbone + name.substr(std::string("visual.").size()), view.shape());
    }
    test::add_temporal(file, prefix, 32);
    ASSERT_EQ(detect_clip_naming(file), ClipNaming::kBareImage);
    const auto plan = map_clip_names(file, ClipNaming::kBareImage);
    MIEN_ASSERT_OK(plan);
    EXPECT_EQ(plan->size(), whole.tensors().size());
    EXPECT_EQ(row_of(*plan, "visual.transformer.resblocks.0.ln_1.bias").sources,
              (std::vector<std::string>{backbone + "transformer.resblocks.0.ln_1.bias"}));
    const auto temporal = map_temporal_names(file, ClipNaming::kBareImage);
    MIEN_ASSERT_OK(temporal);
    EXPECT_EQ(temporal->size(), 24U);
    MIEN_ASSERT_OK(infer_clip_shape(file, ClipNaming::kBareImage));
    // With text blocks under that prefix the widths do not match.
    file.set(backbone + "transformer.resblocks.0.ln_1.bias", {test::tiny_clip().text_width});
    MIEN_EXPECT_CODE(infer_clip_shape(file, ClipNaming::kBareImage), StatusCode::kCorrupt);
  }
}

TEST(NameMap, TemporalPartIsCompleteOrAbsent) {
  FakeCheckpoint file;
  add_openai_image(file, "", test::tiny_clip());
  const auto none = map_temporal_names(file, ClipNaming::kOpenAi);
  MIEN_ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
  test::add_temporal(file, "", 32);
  file.erase("temporal.temporal_transformer.layers.1.1.fn.fn.net.3.bias");
  const auto plan = map_temporal_names(file, ClipNaming::kOpenAi);
  MIEN_EXPECT_CODE(plan, StatusCode::kUnsupported);
  EXPECT_NE(plan.status().message().find("1 of 24 tensors of the temporal model are missing"),
            std::string::npos)
      << plan.status().message();
}

TEST(NameMap, TemporalShapesAreChecked) {
  FakeCheckpoint file;
  add_openai_image(file, "", test::tiny_clip());
  test::add_temporal(file, "", 32);
  const auto plan = map_temporal_names(file, ClipNaming::kOpenAi);
  MIEN_ASSERT_OK(plan);
  MIEN_ASSERT_OK(infer_temporal_shape(file, *plan));
  const std::string block = "temporal.temporal_transformer.layers.1.0.fn.";
  for (const auto& [name, shape] :
       std::vector<std::pair<std::string, Shape>>{{block + "fn.to_qkv.weight", {191, 32}},
                                                  {block + "norm.bias", {31}},
                                                  {"temporal.cls_token", {1, 32}},
                                                  {"temporal.pos_embedding", {40, 32}}}) {
    FakeCheckpoint bad;
    add_openai_image(bad, "", test::tiny_clip());
    test::add_temporal(bad, "", 32);
    bad.set(name, shape);
    MIEN_EXPECT_CODE(infer_temporal_shape(bad, *plan), StatusCode::kCorrupt);
  }
}

TEST(NameMap, UnknownPrefixesAreNotSkipped) {
  FakeCheckpoint file;
  add_openai_image(file, "student.", test::tiny_clip());
  EXPECT_EQ(detect_clip_naming(file), ClipNaming::kUnknown);
  const auto plan = map_clip_names(file, ClipNaming::kUnknown);
  MIEN_EXPECT_CODE(plan, StatusCode::kUnsupported);
  EXPECT_NE(plan.status().message().find("'student.visual.class_embedding'"), std::string::npos);
  EXPECT_NE(plan.status().message().find("visual.conv1.weight"), std::string::npos);
}

TEST(NameMap, EmptyCheckpointIsUnknown) {
  const FakeCheckpoint file;
  EXPECT_EQ(detect_clip_naming(file), ClipNaming::kUnknown);
  MIEN_EXPECT_CODE(map_clip_names(file, ClipNaming::kOpenAi), StatusCode::kUnsupported);
}

TEST(NameMap, MissingTensorsAreListed) {
  FakeCheckpoint file;
  add_openai_image(file, "module.", test::tiny_clip());
  file.erase("module.visual.proj");
  file.erase("module.visual.transformer.resblocks.0.ln_1.bias");
  const auto plan = map_clip_names(file, ClipNaming::kOpenAi);
  MIEN_EXPECT_CODE(plan, StatusCode::kUnsupported);
  EXPECT_NE(plan.status().message().find("2 of 32"), std::string::npos) << plan.status().message();
  EXPECT_NE(plan.status().message().find("'module.visual.transformer.resblocks.0.ln_1.bias', "
                                         "'module.visual.proj'"),
            std::string::npos)
      << plan.status().message();
}

TEST(NameMap, HalfATextTowerIsAnError) {
  FakeCheckpoint file;
  add_openai_image(file, "", test::tiny_clip());
  file.set("ln_final.weight", {128});
  const auto plan = map_clip_names(file, ClipNaming::kOpenAi);
  MIEN_EXPECT_CODE(plan, StatusCode::kUnsupported);
  EXPECT_NE(plan.status().message().find("token_embedding.weight"), std::string::npos);
}

// methods-emoclip §16: the head is beside `backbone.`, with one or two layers.
TEST(NameMap, RegressionHeads) {
  FakeCheckpoint file;
  add_openai_image(file, "module.backbone.", test::tiny_clip());
  const auto naming = detect_clip_naming(file);
  EXPECT_TRUE(map_regression_names(file, naming).value().empty());
  file.set("module.mlp.0.weight", {16, 32});
  MIEN_EXPECT_CODE(map_regression_names(file, naming), StatusCode::kUnsupported);
  file.set("module.mlp.0.bias", {16});
  const auto probe = map_regression_names(file, naming);
  MIEN_ASSERT_OK(probe);
  ASSERT_EQ(probe->size(), 2U);
  EXPECT_EQ(probe->front().name, "mlp.0.weight");
  EXPECT_EQ(probe->front().sources, (std::vector<std::string>{"module.mlp.0.weight"}));
  const auto linear = infer_regression_shape(file, *probe, 32);
  MIEN_ASSERT_OK(linear);
  EXPECT_EQ(linear->hidden, 0);
  EXPECT_EQ(linear->targets, 16);
  file.set("module.mlp.2.weight", {3, 16});
  file.set("module.mlp.2.bias", {3});
  const auto plan = map_regression_names(file, naming);
  MIEN_ASSERT_OK(plan);
  const auto two = infer_regression_shape(file, *plan, 32);
  MIEN_ASSERT_OK(two);
  EXPECT_EQ(two->hidden, 16);
  EXPECT_EQ(two->targets, 3);
  MIEN_EXPECT_CODE(infer_regression_shape(file, *plan, 48), StatusCode::kCorrupt);
  file.set("module.mlp.2.bias", {4});
  MIEN_EXPECT_CODE(infer_regression_shape(file, *plan, 32), StatusCode::kCorrupt);
  file.erase("module.mlp.0.weight");
  file.erase("module.mlp.0.bias");
  MIEN_EXPECT_CODE(map_regression_names(file, naming), StatusCode::kUnsupported);
}

TEST(NameMap, GapInTheLayersIsAnError) {
  FakeCheckpoint file;
  add_openai_image(file, "", test::tiny_clip());
  file.set("visual.transformer.resblocks.4.ln_1.weight", {64});
  const auto plan = map_clip_names(file, ClipNaming::kOpenAi);
  MIEN_EXPECT_CODE(plan, StatusCode::kUnsupported);
  EXPECT_NE(plan.status().message().find("resblocks.2."), std::string::npos);
}

TEST(NameMap, ResNetTowerIsUnsupported) {
  FakeCheckpoint file;
  file.set("visual.conv1.weight", {32, 3, 3, 3});
  file.set("visual.layer1.0.conv1.weight", {64, 64, 1, 1});
  MIEN_EXPECT_CODE(map_clip_names(file, detect_clip_naming(file)), StatusCode::kUnsupported);
}

TEST(Gather, ConcatenatesAndTransposes) {
  const Tensor q = Tensor::from_f32({1, 3}, {1, 2, 3});
  const Tensor k = Tensor::from_f32({2, 3}, {4, 5, 6, 7, 8, 9});
  FakeCheckpoint file;
  file.set_view("q", q);
  file.set_view("k", k);
  const auto joined = gather(file, {"qk", {"q", "k"}, false});
  MIEN_ASSERT_OK(joined);
  EXPECT_EQ(joined->shape(), (Shape{3, 3}));
  EXPECT_EQ(std::vector<float>(joined->f32().begin(), joined->f32().end()),
            (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  const auto turned = gather(file, {"k", {"k"}, true});
  MIEN_ASSERT_OK(turned);
  EXPECT_EQ(turned->shape(), (Shape{3, 2}));
  EXPECT_EQ(std::vector<float>(turned->f32().begin(), turned->f32().end()),
            (std::vector<float>{4, 7, 5, 8, 6, 9}));
}

TEST(Gather, ConvertsHalfTypes) {
  Tensor half(DType::kF16, {2});
  auto* bits = reinterpret_cast<std::uint16_t*>(half.mutable_bytes().data());
  bits[0] = float_to_half(-1.5F);
  bits[1] = float_to_half(65504.0F);
  FakeCheckpoint file;
  file.set_view("h", half);
  const auto out = gather(file, {"h", {"h"}, false});
  MIEN_ASSERT_OK(out);
  EXPECT_EQ(out->f32()[0], -1.5F);
  EXPECT_EQ(out->f32()[1], 65504.0F);
}

TEST(GatherDamage, MismatchedShapes) {
  const Tensor a = Tensor::from_f32({1, 3}, {1, 2, 3});
  const Tensor b = Tensor::from_f32({1, 2}, {1, 2});
  const Tensor scalar = Tensor::from_f32({}, {1});
  FakeCheckpoint file;
  file.set_view("a", a);
  file.set_view("b", b);
  file.set_view("s", scalar);
  file.set("i", {3}, DType::kI64);
  MIEN_EXPECT_CODE(gather(file, {"x", {"a", "b"}, false}), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(gather(file, {"x", {"s", "s2"}, false}), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(gather(file, {"x", {"s", "a"}, false}), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(gather(file, {"x", {"s"}, true}), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(gather(file, {"x", {"i"}, false}), StatusCode::kUnsupported);
  // Without elements, sizes may be anything.
  file.set("huge", {INT64_MAX, 0});
  MIEN_EXPECT_CODE(gather(file, {"x", {"huge", "huge"}, false}), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace mien::checkpoint
