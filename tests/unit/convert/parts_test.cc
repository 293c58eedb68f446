// Labels, the regression head, what is left out, and the types of stored tensors.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "convert/exp_clip.h"
#include "convert/labels.h"
#include "convert/left_out.h"
#include "convert/model_tensors.h"
#include "convert/regression.h"
#include "engine/projection.h"
#include "unit/convert/models.h"

namespace mien::convert {
namespace {

using checkpoint::ClipNaming;

std::vector<std::string> names_of(const text::LabelSet& set) {
  std::vector<std::string> out;
  for (const text::Label& label : set.labels) out.push_back(label.name);
  return out;
}

TEST(ConvertLabels, EveryMethodHasItsPublishedOnes) {
  const auto plain = plain_labels({});
  MIEN_ASSERT_OK(plain);
  EXPECT_EQ(plain->labels.size(), 7U);
  for (const std::int64_t classes : {7, 8, 11}) {
    const auto dfer = dfer_clip_labels(classes, {});
    MIEN_ASSERT_OK(dfer);
    EXPECT_EQ(static_cast<std::int64_t>(dfer->labels.size()), classes);
    EXPECT_EQ(dfer->labels.front().name, "happiness");
  }
  const auto ke2nt = ke2nt_labels({});
  MIEN_ASSERT_OK(ke2nt);
  EXPECT_EQ(names_of(*ke2nt), (std::vector<std::string>{"surprise", "fear", "disgust", "happiness",
                                                        "sadness", "anger", "neutral"}));
  EXPECT_EQ(ke2nt->labels[5].texts,
            std::vector<std::string>{"a photo of a person making an anger facial expression."});
  const auto exp = exp_clip_labels({});
  MIEN_ASSERT_OK(exp);
  EXPECT_EQ(exp->labels.size(), 7U);
  EXPECT_EQ(exp->labels.front().name, "happiness");
  EXPECT_NE(exp->labels.front().texts, dfer_clip_labels(7, {})->labels.front().texts);
}

TEST(ConvertLabels, TheUsersGoFirst) {
  Options options;
  options.labels = "bored,proud";
  for (const auto& labels : {plain_labels(options), dfer_clip_labels(2, options),
                             ke2nt_labels(options), exp_clip_labels(options)}) {
    MIEN_ASSERT_OK(labels);
    EXPECT_EQ(names_of(*labels), (std::vector<std::string>{"bored", "proud"}));
  }
  // One text a class is what a DFER-CLIP checkpoint has learned around.
  EXPECT_EQ(dfer_clip_labels(2, options)->labels.front().texts.size(), 1U);
  options.labels = "basic7";  // the same as not to name any
  EXPECT_EQ(dfer_clip_labels(7, options)->labels.front().name, "happiness");
}

TEST(ConvertLabels, WhateverIsWrongWithThemIsTheOptionsFault) {
  Options options;
  for (const char* wrong : {"happy,happy", "", "missing/file.yaml"}) {
    options.labels = wrong;
    const auto labels = plain_labels(options);
    MIEN_EXPECT_CODE(labels, StatusCode::kInvalidArgument) << wrong;
    EXPECT_TRUE(labels.status().message().starts_with("--labels: ")) << labels.status().message();
  }
  MIEN_EXPECT_CODE(dfer_clip_labels(5, {}), StatusCode::kInvalidArgument);
  options.labels = "a,b";
  MIEN_EXPECT_CODE(dfer_clip_labels(3, options), StatusCode::kInvalidArgument);
  options.labels = "happy,sad+angry";
  MIEN_EXPECT_CODE(dfer_clip_labels(2, options), StatusCode::kInvalidArgument);
}

TEST(BadOption, KeepsTroublesOfTheSystem) {
  EXPECT_EQ(bad_option("--x", not_found("a")).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(bad_option("--x", corrupt("a")).message(), "--x: a");
  EXPECT_EQ(bad_option("--x", io_error("a")).code(), StatusCode::kIo);
  EXPECT_EQ(bad_option("--x", cancelled("a")).code(), StatusCode::kCancelled);
}

TEST(RegressionHead, IsNamedOrNumbered) {
  const test::Weights weights = test::downstream_weights(3);
  std::vector<std::string> notes;
  const auto numbered = find_regression(weights, ClipNaming::kBareImage, 32, {}, notes);
  MIEN_ASSERT_OK(numbered);
  ASSERT_TRUE(*numbered);
  EXPECT_EQ((*numbered)->sizes, (engine::RegressionHead{.hidden = 12, .targets = 3}));
  EXPECT_EQ((*numbered)->targets[2].name, "target_3");
  EXPECT_TRUE(test::has_note(notes, "--targets sets them"));
  notes.clear();
  const auto named = find_regression(weights, ClipNaming::kBareImage, 32, {"a", "b", "c"}, notes);
  MIEN_ASSERT_OK(named);
  EXPECT_EQ((*named)->targets[0].name, "a");
  EXPECT_TRUE(notes.empty());
  for (const auto& wrong : std::vector<std::vector<std::string>>{
           {"a", "b"}, {"a", "b", "b"}, {"a", "b", ""}, {"a", "b", "c", "d"}}) {
    MIEN_EXPECT_CODE(find_regression(weights, ClipNaming::kBareImage, 32, wrong, notes),
                     StatusCode::kInvalidArgument);
  }
}

TEST(RegressionHead, OneLayerIsAProbe) {
  test::Weights weights = test::downstream_weights(3);
  weights.erase("mlp.2.weight");
  weights.erase("mlp.2.bias");
  std::vector<std::string> notes;
  const auto probe = find_regression(weights, ClipNaming::kBareImage, 32, {}, notes);
  MIEN_ASSERT_OK(probe);
  EXPECT_EQ((*probe)->sizes, (engine::RegressionHead{.hidden = 0, .targets = 12}));
}

TEST(RegressionHead, OtherMlpTensorsAreLeftOutWithANote) {
  std::vector<std::string> notes;
  const auto none = find_regression(test::clip_weights(), ClipNaming::kOpenAi, 32, {}, notes);
  MIEN_ASSERT_OK(none);
  EXPECT_FALSE(*none);
  EXPECT_TRUE(notes.empty());
  const test::Weights weights = test::downstream_weights(3);
  const auto narrow = find_regression(weights, ClipNaming::kBareImage, 31, {}, notes);
  MIEN_ASSERT_OK(narrow);
  EXPECT_FALSE(*narrow);
  EXPECT_TRUE(test::has_note(notes, "the regression head is left out: "));
  MIEN_EXPECT_CODE(find_regression(weights, ClipNaming::kBareImage, 31, {"a"}, notes),
                   StatusCode::kInvalidArgument);
}

TEST(LeftOut, NamesWhatNoRowReadsWithoutBuffers) {
  test::Weights weights;
  for (const char* name : {"used", "unused", "text_model.embeddings.position_ids", "attn_mask",
                           "bn1.num_batches_tracked", "label_features"}) {
    weights.set(name, {2});
  }
  EXPECT_EQ(find_left_out(weights, {{"ours", {"used"}}}), std::vector<std::string>{"unused"});
}

TEST(LeftOut, TensorsThatChangeTheAnswersAreNotLeftOutSilently) {
  const test::Weights none;
  MIEN_EXPECT_CODE(check_left_out(none, {}, {}, 8), StatusCode::kOk);
  MIEN_EXPECT_CODE(
      check_left_out(none, {"backbone.logit_scale", "x.logit_bias", "mlp.0.bias"}, {}, 8),
      StatusCode::kOk);
  const Status adapter = check_left_out(none, {"adapter.a", "adapter.b"}, {}, 8);
  EXPECT_EQ(adapter.code(), StatusCode::kUnsupported);
  EXPECT_NE(adapter.message().find("2 tensors are not part of CLIP's towers"), std::string::npos);
  EXPECT_NE(adapter.message().find("'adapter.a', 'adapter.b'"), std::string::npos);
  MIEN_EXPECT_CODE(check_left_out(none, {"adapter.a", "adapter.b"}, {"adapter."}, 8),
                   StatusCode::kOk);
  MIEN_EXPECT_CODE(check_left_out(none, {"adapter.a", "prompt"}, {"adapter."}, 8),
                   StatusCode::kUnsupported);
  MIEN_EXPECT_CODE(check_left_out(none, {"adapter.a"}, {""}, 8), StatusCode::kUnsupported);
}

TEST(LeftOut, PicturesOfEveryClassAreThoseOfHesp) {
  test::Weights weights;
  weights.set("negatives", {3, 3, 8, 8});
  weights.set("patch", {3, 4, 4});
  const Status hesp = check_not_hesp(weights, 8);
  EXPECT_EQ(hesp.code(), StatusCode::kUnsupported);
  EXPECT_NE(hesp.message().find("negative pictures in 'negatives' [3, 3, 8, 8] and a patch of "
                                "pixels in 'patch'"),
            std::string::npos)
      << hesp.message();
  MIEN_EXPECT_CODE(check_not_hesp(weights, 16), StatusCode::kOk);  // kernels, not pictures
}

TEST(StoredTypes, KeepChangesNoNumber) {
  test::Weights weights;
  weights.set("f32", {2, 3});
  weights.set("half", *cast_tensor(weights.at("f32").clone(), DType::kF16, "half"));
  weights.set("f64", Tensor(DType::kF64, {2}));
  weights.set("int8", Tensor(DType::kI8, {2, 3}));
  weights.set("int8.scale", {2});
  ModelTensors out(nullptr);
  for (const auto& [name, view] : weights.tensors()) {
    MIEN_ASSERT_OK(add_row(weights, {name, {name}}, std::nullopt, out));
  }
  EXPECT_EQ(out.find("f32")->dtype(), DType::kF32);
  EXPECT_EQ(out.find("f32")->bytes().data(), weights.at("f32").bytes().data());  // a view
  EXPECT_EQ(out.find("half")->dtype(), DType::kF16);
  EXPECT_EQ(out.find("f64")->dtype(), DType::kF32);
  EXPECT_EQ(out.find("int8")->dtype(), DType::kI8);
}

TEST(StoredTypes, OthersAreRoundedButScalesAreNot) {
  test::Weights weights;
  for (const char* name : {"w", "logit_scale", "w.scale"}) weights.set(name, {4});
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    ModelTensors out(nullptr);
    for (const auto& [name, view] : weights.tensors()) {
      MIEN_ASSERT_OK(add_row(weights, {name, {name}}, dtype, out));
    }
    EXPECT_EQ(out.find("w")->dtype(), dtype);
    EXPECT_EQ(out.find("logit_scale")->dtype(), DType::kF32);
    EXPECT_EQ(out.find("w.scale")->dtype(), DType::kF32);
    EXPECT_EQ(out.order().size(), 3U);
  }
}

TEST(StoredTypes, TransposedRowsAreTurned) {
  test::Weights weights;
  weights.set("proj", Tensor::from_f32({2, 3}, {1, 2, 3, 4, 5, 6}));
  ModelTensors out(nullptr);
  MIEN_ASSERT_OK(add_row(weights, {"ours", {"proj"}, true}, std::nullopt, out));
  const auto turned = to_f32(*out.find("ours"));
  MIEN_ASSERT_OK(turned);
  EXPECT_EQ(turned->shape(), (Shape{3, 2}));
  EXPECT_EQ(std::vector<float>(turned->f32().begin(), turned->f32().end()),
            (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST(StoredTypes, WhatF16CannotHoldIsRefused) {
  const float large = 65520;  // the first that rounds to infinity
  MIEN_EXPECT_CODE(cast_tensor(Tensor::from_f32({1}, {large}), DType::kF16, "w"),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(cast_tensor(Tensor::from_f32({1}, {65504}), DType::kF16, "w"), StatusCode::kOk);
  MIEN_EXPECT_CODE(cast_tensor(Tensor::from_f32({1}, {large}), DType::kBF16, "w"), StatusCode::kOk);
  // An infinity of the source is none of our making: the trial finds it.
  const float infinity = std::numeric_limits<float>::infinity();
  MIEN_EXPECT_CODE(cast_tensor(Tensor::from_f32({1}, {infinity}), DType::kF16, "w"),
                   StatusCode::kOk);
}

TEST(FoldMap, BothProjectionsAreMultipliedByTheMap) {
  engine::Architecture architecture;
  architecture.embed = 2;
  architecture.image =
      engine::VitSizes{.image_size = 8, .patch = 4, .width = 64, .layers = 1, .heads = 1, .mlp = 8};
  architecture.text = engine::ClipTextSizes{
      .context = 8, .vocabulary = 10, .width = 64, .layers = 1, .heads = 1, .mlp = 8};
  const std::vector<std::string> names = engine::joint_projections(architecture);
  ASSERT_EQ(names.size(), 2U);
  ModelTensors tensors(nullptr);
  tensors.add(names[0], Tensor::from_f32({1, 2}, {2, 3}));
  tensors.add(names[1], Tensor::from_f32({2, 2}, {1, 0, 0, 1}));
  // [width, embed]: three rows that read (x, y), x + y and 10 y.
  const Tensor map = Tensor::from_f32({3, 2}, {1, 0, 1, 1, 0, 10});
  MIEN_ASSERT_OK(fold_map(map, std::nullopt, architecture, tensors));
  const auto values = [&](const std::string& name) {
    const auto read = to_f32(*tensors.find(name));
    return std::vector<float>(read->f32().begin(), read->f32().end());
  };
  EXPECT_EQ(values(names[0]), (std::vector<float>{2, 5, 30}));
  EXPECT_EQ(values(names[1]), (std::vector<float>{1, 1, 0, 0, 1, 10}));
  EXPECT_EQ(tensors.find(names[1])->shape(), (Shape{2, 3}));
}

TEST(FindProjection, KnowsThePublishedNames) {
  test::Weights weights;
  EXPECT_EQ(find_projection(weights), nullptr);
  weights.set("mlp.weight", {4});
  EXPECT_EQ(find_projection(weights), nullptr);  // a vector is not a map
  weights.set("module.projection_head.mlp.weight", {4, 2});
  ASSERT_NE(find_projection(weights), nullptr);
  EXPECT_EQ(find_projection(weights)->rank(), 2U);
}

}  // namespace
}  // namespace mien::convert
