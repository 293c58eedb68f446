#include <gtest/gtest.h>

#include "support/test_support.h"
#include "unit/checkpoint/fake_clip.h"

namespace mien::checkpoint {
namespace {

using test::FakeCheckpoint;

void expect_shape(const FakeCheckpoint& file, ClipNaming naming, const ClipShape& expected) {
  EXPECT_EQ(detect_clip_naming(file), naming);
  const auto shape = infer_clip_shape(file, naming);
  MIEN_ASSERT_OK(shape);
  EXPECT_TRUE(*shape == expected) << shape->image_size << ' ' << shape->vision_width;
}

void expect_published(const ClipShape& s) {
  FakeCheckpoint openai;
  add_openai_image(openai, "", s);
  add_openai_text(openai, "", "", s);
  expect_shape(openai, ClipNaming::kOpenAi, s);
  FakeCheckpoint open_clip;
  add_openai_image(open_clip, "", s);
  add_openai_text(open_clip, "", "text.", s);
  expect_shape(open_clip, ClipNaming::kOpenClip, s);
  FakeCheckpoint hugging_face;
  add_hugging_face(hugging_face, s);
  expect_shape(hugging_face, ClipNaming::kHuggingFace, s);
}

TEST(ClipShape, VitB32) { expect_published(test::clip_shape(224, 32, false)); }
TEST(ClipShape, VitB16) { expect_published(test::clip_shape(224, 16, false)); }
TEST(ClipShape, VitL14) { expect_published(test::clip_shape(224, 14, true)); }
TEST(ClipShape, VitL14At336) { expect_published(test::clip_shape(336, 14, true)); }
TEST(ClipShape, Tiny) { expect_published(test::tiny_clip()); }

TEST(ClipShape, WithoutTextTower) {
  ClipShape s = test::clip_shape(224, 32, false);
  FakeCheckpoint file;
  add_openai_image(file, "", s);
  s.has_text = false;
  s.text_width = s.text_layers = s.text_heads = s.text_mlp = s.context = s.vocab = 0;
  expect_shape(file, ClipNaming::kOpenAi, s);
  file.set("logit_scale", {});  // belongs to both towers, so it does not make a text tower
  expect_shape(file, ClipNaming::kOpenAi, s);
}

TEST(ClipShape, HeadsOfTheWidestOpenClipTowers) {
  ClipShape s = test::clip_shape(224, 14, true);
  s.vision_width = 1280;
  s.vision_heads = 16;
  FakeCheckpoint file;
  add_openai_image(file, "", s);
  add_openai_text(file, "", "", s);
  expect_shape(file, ClipNaming::kOpenAi, s);
}

struct Damage {
  const char* name;
  Shape shape;
  StatusCode code;
};

TEST(ClipShapeDamage, EveryTensorIsChecked) {
  const ClipShape s = test::tiny_clip();
  const Damage damages[] = {
      {"visual.proj", {32, 64}, StatusCode::kCorrupt},
      {"visual.proj", {64}, StatusCode::kCorrupt},
      {"visual.conv1.weight", {64, 3, 4, 5}, StatusCode::kCorrupt},
      {"visual.conv1.weight", {64, 1, 4, 4}, StatusCode::kCorrupt},
      {"visual.conv1.weight", {64, 48}, StatusCode::kCorrupt},
      {"visual.conv1.weight", {60, 3, 4, 4}, StatusCode::kUnsupported},
      {"visual.conv1.weight", {0, 3, 4, 4}, StatusCode::kCorrupt},
      {"visual.positional_embedding", {6, 64}, StatusCode::kCorrupt},
      {"visual.positional_embedding", {5, 63}, StatusCode::kCorrupt},
      {"visual.class_embedding", {1, 64}, StatusCode::kCorrupt},
      {"visual.ln_post.bias", {65}, StatusCode::kCorrupt},
      {"visual.transformer.resblocks.1.attn.in_proj_weight", {64, 192}, StatusCode::kCorrupt},
      {"visual.transformer.resblocks.1.mlp.c_fc.weight", {97, 64}, StatusCode::kCorrupt},
      {"visual.transformer.resblocks.0.mlp.c_fc.weight", {96}, StatusCode::kCorrupt},
      {"token_embedding.weight", {11, 100}, StatusCode::kUnsupported},
      {"token_embedding.weight", {11, 64}, StatusCode::kCorrupt},
      {"positional_embedding", {7, 64}, StatusCode::kCorrupt},
      {"transformer.resblocks.10.ln_2.bias", {1}, StatusCode::kCorrupt},
      {"text_projection", {32, 128}, StatusCode::kCorrupt},
      {"logit_scale", {2}, StatusCode::kCorrupt},
  };
  for (const Damage& damage : damages) {
    FakeCheckpoint file;
    add_openai_image(file, "", s);
    add_openai_text(file, "", "", s);
    file.set(damage.name, damage.shape);
    const auto shape = infer_clip_shape(file, ClipNaming::kOpenAi);
    MIEN_EXPECT_CODE(shape, damage.code) << damage.name << to_string(damage.shape);
  }
}

TEST(ClipShapeDamage, MessageNamesTensorAndShapes) {
  FakeCheckpoint file;
  add_openai_image(file, "", test::tiny_clip());
  file.set("visual.ln_pre.bias", {63});
  EXPECT_EQ(infer_clip_shape(file, ClipNaming::kOpenAi).status().message(),
            "checkpoint: 'visual.ln_pre.bias' has shape [63] (expected [64])");
}

}  // namespace
}  // namespace mien::checkpoint
