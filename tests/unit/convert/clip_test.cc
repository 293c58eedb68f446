#include "convert/clip.h"

#include <gtest/gtest.h>

#include "convert/plan.h"
#include "unit/convert/models.h"

namespace mien::convert {
namespace {

using checkpoint::ClipNaming;
using kernels::Activation;

Source in_memory(test::Weights weights, const std::string& name = "w.safetensors") {
  Source out;
  out.given = out.weights = name;
  out.folder = ".";
  out.checkpoint = std::make_shared<test::Weights>(std::move(weights));
  return out;
}

const engine::VitSizes& image_of(const engine::Architecture& architecture) {
  return std::get<engine::VitSizes>(architecture.image);
}

const engine::ClipTextSizes& text_of(const engine::Architecture& architecture) {
  return std::get<engine::ClipTextSizes>(*architecture.text);
}

TEST(ClipSizes, FollowFromTheTensors) {
  std::vector<std::string> notes;
  const auto found =
      clip_architecture(in_memory(test::clip_weights()), ClipNaming::kOpenAi, {}, {}, notes);
  MIEN_ASSERT_OK(found);
  EXPECT_EQ(found->embed, 32);
  EXPECT_EQ(found->image,
            (engine::ImageTower(engine::VitSizes{.image_size = 8,
                                                 .patch = 4,
                                                 .width = 64,
                                                 .layers = 2,
                                                 .heads = 1,
                                                 .mlp = 96,
                                                 .activation = Activation::kQuickGelu})));
  ASSERT_TRUE(found->text);
  EXPECT_EQ(context_of(*found->text), 24);
  EXPECT_EQ(text_of(*found).heads, 2);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_TRUE(test::has_note(notes, "--activation gelu is right"));
}

TEST(ClipSizes, TheActivationIsTheUsersThenTheConfigurationsThenTheUsual) {
  const Source source = in_memory(test::clip_weights());
  Hints hints;
  hints.image.activation = Activation::kGelu;
  std::vector<std::string> notes;
  const auto configured = clip_architecture(source, ClipNaming::kOpenAi, hints, {}, notes);
  MIEN_ASSERT_OK(configured);
  EXPECT_EQ(image_of(*configured).activation, Activation::kGelu);
  EXPECT_EQ(text_of(*configured).activation, Activation::kQuickGelu);
  const auto given =
      clip_architecture(source, ClipNaming::kOpenAi, hints, Activation::kQuickGelu, notes);
  MIEN_ASSERT_OK(given);
  EXPECT_EQ(image_of(*given).activation, Activation::kQuickGelu);
  EXPECT_TRUE(notes.empty());
  const auto open_clip =
      clip_architecture(in_memory(test::clip_weights(), "open_clip_model.safetensors"),
                        ClipNaming::kOpenAi, {}, {}, notes);
  MIEN_ASSERT_OK(open_clip);
  EXPECT_EQ(image_of(*open_clip).activation, Activation::kGelu);
  EXPECT_TRUE(test::has_note(notes, "--activation quick_gelu is right"));
}

TEST(ClipSizes, AConfigurationOfOtherWeightsIsRefused) {
  const Source source = in_memory(test::clip_weights());
  std::vector<std::string> notes;
  Hints hints;
  hints.file = "config.json";
  hints.patch = 16;
  const auto found = clip_architecture(source, ClipNaming::kOpenAi, hints, {}, notes);
  MIEN_EXPECT_CODE(found, StatusCode::kUnsupported);
  EXPECT_NE(found.status().message().find("patch size is 16 (expected 4)"), std::string::npos);
  Hints heads;
  heads.image.heads = 5;  // does not divide the width
  EXPECT_FALSE(clip_architecture(source, ClipNaming::kOpenAi, heads, {}, notes).ok());
}

TEST(TemporalSizes, HaveEmoClipsEightHeads) {
  const Source source = in_memory(test::emoclip_weights());
  const auto rows = checkpoint::map_temporal_names(*source.checkpoint, ClipNaming::kOpenAi);
  MIEN_ASSERT_OK(rows);
  const auto tower = temporal_tower(source, *rows);
  MIEN_ASSERT_OK(tower);
  ASSERT_TRUE(*tower);
  const auto& sizes = std::get<engine::TemporalTransformerSizes>(**tower);
  EXPECT_EQ(sizes.heads, 8);
  EXPECT_EQ(sizes.head_width, 16);
  EXPECT_EQ(sizes.positions, 40);
  const auto none = temporal_tower(source, {});
  MIEN_ASSERT_OK(none);
  EXPECT_FALSE(*none);
}

TEST(LogitScale, IsTheExponentialAsTrained) {
  test::Weights weights = test::clip_weights();
  const std::vector<checkpoint::TensorSource> rows = {{"logit_scale", {"logit_scale"}}};
  const auto read = [&](double factor, std::vector<std::string>& notes) {
    test::set_scale(weights, "logit_scale", factor);
    return read_logit_scale(weights, rows, notes);
  };
  std::vector<std::string> notes;
  EXPECT_NEAR(*read(60, notes), 60, 1e-4);
  EXPECT_NEAR(*read(100.05, notes), 100.05, 1e-3);  // what half precision makes of 100
  EXPECT_TRUE(notes.empty());
  EXPECT_NEAR(*read(150, notes), 150, 1e-3);
  EXPECT_TRUE(test::has_note(notes, "150.0000, as trained"));
  MIEN_EXPECT_CODE(read(1e-4, notes), StatusCode::kCorrupt);
  weights.set("logit_scale", {2});
  MIEN_EXPECT_CODE(read_logit_scale(weights, rows, notes), StatusCode::kCorrupt);
  notes.clear();
  EXPECT_EQ(*read_logit_scale(weights, {}, notes), 100);
  EXPECT_TRUE(test::has_note(notes, "no logit_scale"));
}

TEST(ClipPlan, ReadsClipsAsEmoClipEvaluates) {
  const Source source = in_memory(test::emoclip_weights());
  const auto kind = recognise(source);
  MIEN_ASSERT_OK(kind);
  const auto plan = plan_clip_towers(source, std::get<EmoClip>(*kind).names, {});
  MIEN_ASSERT_OK(plan);
  EXPECT_EQ(plan->info.method, "emoclip");
  EXPECT_NEAR(plan->info.logit_scale, 60, 1e-4);
  EXPECT_EQ(plan->info.sampling.frames, 32);
  EXPECT_EQ(plan->info.sampling.stride, 4);
  EXPECT_TRUE(plan->info.preprocess == image::PreprocessSpec::normalized_first(8));
  EXPECT_EQ(plan->left_out, std::vector<std::string>{"backbone.logit_scale"});
}

TEST(ClipPlan, TakesTheRecipeThatIsAskedFor) {
  const Source source = in_memory(test::clip_weights());
  const auto kind = recognise(source);
  MIEN_ASSERT_OK(kind);
  const ClipNames& names = std::get<Clip>(*kind).names;
  const std::map<Preprocess, image::PreprocessSpec> recipes = {
      {Preprocess::kAuto, image::PreprocessSpec::clip(8)},
      {Preprocess::kClip, image::PreprocessSpec::clip(8)},
      {Preprocess::kEmoclip, image::PreprocessSpec::normalized_first(8)},
      {Preprocess::kDferClip, image::PreprocessSpec::stretched(8)}};
  for (const auto& [name, recipe] : recipes) {
    Options options;
    options.preprocess = name;
    const auto plan = plan_clip_towers(source, names, options);
    MIEN_ASSERT_OK(plan);
    EXPECT_TRUE(plan->info.preprocess == recipe);
    EXPECT_EQ(plan->info.method, "clip");
  }
}

}  // namespace
}  // namespace mien::convert
