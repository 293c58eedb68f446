#include "convert/hints.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "support/test_support.h"

namespace mien::convert {
namespace {

using checkpoint::ClipNaming;
using kernels::Activation;

class HintsTest : public testing::Test {
 protected:
  void write(const char* name, const std::string& text) {
    MIEN_ASSERT_OK(write_file_atomically(dir_ / name, text));
  }
  Result<Hints> read(ClipNaming naming) {
    Source source;
    source.folder = dir_.path();
    return read_hints(source, naming, {});
  }
  void expect_refused(ClipNaming naming, const std::string& part) {
    const auto hints = read(naming);
    ASSERT_FALSE(hints.ok()) << part;
    EXPECT_NE(hints.status().message().find(part), std::string::npos) << hints.status().message();
  }

  test::TempDir dir_;
};

TEST_F(HintsTest, WithoutAConfigurationNothingIsSaid) {
  const auto hints = read(ClipNaming::kHuggingFace);
  MIEN_ASSERT_OK(hints);
  EXPECT_TRUE(hints->file.empty());
  EXPECT_FALSE(hints->image.heads);
}

TEST_F(HintsTest, HuggingFace) {
  write("config.json", R"({"model_type": "clip", "projection_dim": 32,
    "vision_config": {"hidden_act": "gelu", "num_attention_heads": 2, "hidden_size": 64, "patch_size": 4},
    "text_config": {"hidden_act": "quick_gelu", "num_hidden_layers": 3}})");
  write("preprocessor_config.json",
        R"({"image_mean": [0.5, 0.25, 0.125], "resample": 2, "size": {"height": 8, "width": 8}})");
  const auto hints = read(ClipNaming::kHuggingFace);
  MIEN_ASSERT_OK(hints);
  EXPECT_EQ(hints->file.filename(), "config.json");
  EXPECT_EQ(hints->embed, 32);
  EXPECT_EQ(hints->image.activation, Activation::kGelu);
  EXPECT_EQ(hints->image.heads, 2);
  EXPECT_EQ(hints->image.width, 64);
  EXPECT_EQ(hints->patch, 4);
  EXPECT_EQ(hints->text.activation, Activation::kQuickGelu);
  EXPECT_EQ(hints->text.heads, 8);  // the library's default
  EXPECT_EQ(hints->text.layers, 3);
  EXPECT_EQ(hints->pixels.mean, (std::array<float, 3>{0.5F, 0.25F, 0.125F}));
  EXPECT_FALSE(hints->pixels.std);
  EXPECT_EQ(hints->pixels.filter, image::Filter::kBilinear);
  EXPECT_TRUE(hints->pixels.exact);
  // Another naming does not read these files.
  const auto other = read(ClipNaming::kOpenAi);
  MIEN_ASSERT_OK(other);
  EXPECT_TRUE(other->file.empty());
}

TEST_F(HintsTest, HuggingFaceOfAnotherModel) {
  const std::pair<const char*, const char*> damages[] = {
      {R"({"model_type": "siglip"})", R"('model_type' is "siglip" (expected "clip"))"},
      {R"({"vision_config": {"hidden_act": "swish"}})", "activation 'swish'"},
      {R"({"vision_config": {"layer_norm_eps": 1e-06}})", "(expected 1e-05)"},
      {R"({"vision_config": {"num_channels": 1}})", "'num_channels' is 1"},
      {R"({"vision_config": {"patch_size": -1}})", "'patch_size' is -1"},
      {R"({"vision_config": []})", "expected an object"},
      {R"({"text_config": {"eos_token_id": 7}})", "'eos_token_id' is 7 (expected the last id"},
      {R"([])", "expected an object"},
      {R"({)", "config.json"}};
  for (const auto& [text, part] : damages) {
    write("config.json", text);
    expect_refused(ClipNaming::kHuggingFace, part);
  }
}

TEST_F(HintsTest, TheEndTokenMayBeTheOldWrongTwo) {
  for (const char* text : {R"({"text_config": {"eos_token_id": 2}})",
                           R"({"text_config": {"eos_token_id": 99, "vocab_size": 100}})",
                           R"({"text_config": {"eos_token_id": 49407}})"}) {
    write("config.json", text);
    MIEN_EXPECT_CODE(read(ClipNaming::kHuggingFace), StatusCode::kOk) << text;
  }
}

TEST_F(HintsTest, PixelsThatCannotBe) {
  for (const char* text : {R"({"do_resize": false})", R"({"image_mean": [1, 2]})",
                           R"({"image_std": "x"})", R"({"resample": 1})"}) {
    write("preprocessor_config.json", text);
    EXPECT_FALSE(read(ClipNaming::kHuggingFace).ok()) << text;
  }
}

TEST_F(HintsTest, OpenClip) {
  write("open_clip_config.json", R"({"model_cfg": {"embed_dim": 32, "quick_gelu": true,
    "vision_cfg": {"image_size": 8, "layers": 2, "width": 64, "patch_size": 4, "head_width": 32},
    "text_cfg": {"context_length": 24, "vocab_size": 764, "width": 128, "heads": 2, "layers": 1}},
    "preprocess_cfg": {"std": [0.5, 0.5, 0.5], "interpolation": "bilinear", "resize_mode": "squash"}})");
  for (const ClipNaming naming : {ClipNaming::kOpenAi, ClipNaming::kOpenClip}) {
    const auto hints = read(naming);
    MIEN_ASSERT_OK(hints);
    EXPECT_EQ(hints->image.activation, Activation::kQuickGelu);
    EXPECT_EQ(hints->image.heads, 2);
    EXPECT_EQ(hints->text.heads, 2);
    EXPECT_EQ(hints->image_size, 8);
    EXPECT_EQ(hints->pixels.filter, image::Filter::kBilinear);
    EXPECT_TRUE(hints->pixels.exact);
    EXPECT_TRUE(hints->pixels.std);
  }
}

TEST_F(HintsTest, OpenClipOfAnotherModel) {
  const std::string head = R"({"model_cfg": {"embed_dim": 32, "vision_cfg": )";
  const std::pair<std::string, const char*> damages[] = {
      {head + R"({"timm_model_name": "vit_b"}, "text_cfg": {}}})", "a plain CLIP tower without it"},
      {head + R"({"pool_type": "avg"}, "text_cfg": {}}})", "'pool_type'"},
      {head + R"({}, "text_cfg": {"hf_tokenizer_name": "bert"}}})", "'hf_tokenizer_name'"},
      {head + R"({}}})", "'text_cfg' is missing"},
      {head + R"({}, "text_cfg": {}}, "preprocess_cfg": {"mode": "L"}})", "'mode'"},
      {"{}", "'model_cfg' is missing"}};
  for (const auto& [text, part] : damages) {
    write("open_clip_config.json", text);
    expect_refused(ClipNaming::kOpenAi, part);
  }
}

}  // namespace
}  // namespace mien::convert
