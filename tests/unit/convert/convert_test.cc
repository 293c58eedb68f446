#include "mien/convert/convert.h"

#include <gtest/gtest.h>

#include <fstream>

#include "unit/convert/models.h"

namespace mien::convert {
namespace {

namespace fs = std::filesystem;

class ConvertTest : public testing::Test {
 protected:
  void SetUp() override { test::write_vocabulary(dir_.path()); }
  /// Converts weights that lie beside the vocabulary.
  Result<ConversionReport> convert(const test::Weights& weights, const Options& options = {},
                                   const char* name = "out") {
    weights.write(dir_ / "w.safetensors");
    return to_bundle(dir_ / "w.safetensors", dir_ / name, options);
  }
  fs::path save(const char* name, const test::Weights& weights) {
    weights.write(dir_ / name);
    return dir_ / name;
  }
  std::vector<std::string> labels_of(const ConversionReport& report) {
    std::vector<std::string> out;
    for (const text::Label& label : report.bundle->info().labels) out.push_back(label.name);
    return out;
  }
  bool made(const char* name = "out") { return fs::exists(dir_ / name); }

  test::TempDir dir_;
};

TEST_F(ConvertTest, ClipWithCompleteConfiguration) {
  const auto report = convert(test::clip_weights());
  MIEN_ASSERT_OK(report);
  EXPECT_EQ(report->source, dir_ / "w.safetensors");
  EXPECT_TRUE(report->config.empty());
  EXPECT_EQ(report->format, "safetensors");
  EXPECT_EQ(report->naming, "openai");
  EXPECT_TRUE(report->left_out.empty());
  EXPECT_EQ(report->notes.size(), 1U);
  const engine::BundleInfo& info = report->bundle->info();
  EXPECT_EQ(info.name, "w");
  EXPECT_EQ(info.method, "clip");
  EXPECT_NEAR(info.logit_scale, 100, 1e-3);
  EXPECT_EQ(info.labels.size(), 7U);
  ASSERT_NE(report->bundle->label_features(), nullptr);
  EXPECT_EQ(report->bundle->label_features()->dim(1), 32);
  MIEN_EXPECT_CODE(report->bundle->verify_hashes(), StatusCode::kOk);
  EXPECT_NE(info.provenance.find("converted_from")->find("files")->find("w.safetensors"), nullptr);
}

TEST_F(ConvertTest, EveryNamingGivesTheSameTensors) {
  const auto plain = convert(test::clip_weights());
  MIEN_ASSERT_OK(plain);
  test::Weights wrapped;
  wrapped.copy(test::clip_weights(), "", "module.");
  const auto module = convert(wrapped, {}, "module");
  MIEN_ASSERT_OK(module);
  const auto hugging_face = convert(test::hugging_face_weights(), {}, "hf");
  MIEN_ASSERT_OK(hugging_face);
  EXPECT_EQ(hugging_face->naming, "huggingface");
  for (const auto& [name, view] : plain->bundle->weights().tensors()) {
    const TensorView* same = module->bundle->weights().find(name);
    ASSERT_NE(same, nullptr) << name;
    EXPECT_TRUE(std::ranges::equal(view.bytes(), same->bytes())) << name;
    const TensorView* other = hugging_face->bundle->weights().find(name);
    ASSERT_NE(other, nullptr) << name;
    EXPECT_EQ(view.shape(), other->shape()) << name;
  }
}

TEST_F(ConvertTest, OptionsOfTheUser) {
  Options options;
  options.name = "my model";
  options.licence = "MIT";
  options.notice = "Be kind.";
  options.labels = "bored,very bored";
  options.dtype = DType::kBF16;
  options.preprocess = Preprocess::kDferClip;
  options.activation = kernels::Activation::kGelu;
  const auto report = convert(test::clip_weights(), options);
  MIEN_ASSERT_OK(report);
  const engine::BundleInfo& info = report->bundle->info();
  EXPECT_EQ(info.name, "my model");
  EXPECT_EQ(info.licence, "MIT");
  EXPECT_EQ(labels_of(*report), (std::vector<std::string>{"bored", "very bored"}));
  EXPECT_EQ(std::get<engine::VitSizes>(info.architecture.image).activation,
            kernels::Activation::kGelu);
  EXPECT_TRUE(info.preprocess == image::PreprocessSpec::stretched(8));
  EXPECT_EQ(report->bundle->weights().find("visual.proj")->dtype(), DType::kBF16);
  const auto card = report->bundle->card();
  MIEN_ASSERT_OK(card);
  EXPECT_NE(card->find("# my model\n"), std::string::npos);
  EXPECT_NE(card->find("\nMIT\n"), std::string::npos);
  EXPECT_NE(card->find("## Responsible use\n\nBe kind.\n"), std::string::npos);
  options.dtype = DType::kI8;
  MIEN_EXPECT_CODE(convert(test::clip_weights(), options, "int8"), StatusCode::kInvalidArgument);
}

TEST_F(ConvertTest, WithoutItsTextTowerItKeepsTheFeaturesOfItsLabels) {
  Options options;
  options.image_only = true;
  const auto report = convert(test::clip_weights(), options);
  MIEN_ASSERT_OK(report);
  EXPECT_FALSE(report->bundle->has_text_tower());
  EXPECT_NE(report->bundle->label_features(), nullptr);
  EXPECT_EQ(report->bundle->weights().find("token_embedding.weight"), nullptr);
  EXPECT_FALSE(fs::exists(dir_ / "out/tokenizer.txt"));
  // The card counts what was written.
  const std::size_t tensors = report->bundle->weights().tensors().size();
  const std::string card = report->bundle->card().value();
  EXPECT_NE(card.find("F32 (" + std::to_string(tensors) + " tensors, "), std::string::npos) << card;
}

TEST_F(ConvertTest, EmoClipsDownstreamModelWithAndWithoutWords) {
  Options options;
  options.targets = {"affect", "rapport", "speech"};
  const auto wordless = convert(test::downstream_weights(3), options, "wordless");
  MIEN_ASSERT_OK(wordless);
  EXPECT_TRUE(labels_of(*wordless).empty());
  EXPECT_TRUE(test::has_note(wordless->notes, "gives the values of its targets"));
  EXPECT_EQ(wordless->bundle->info().targets[1].name, "rapport");
  options.text_from = save("clip.safetensors", test::clip_weights());
  const auto report = convert(test::downstream_weights(3), options);
  MIEN_ASSERT_OK(report);
  EXPECT_EQ(report->naming, "bare_image");
  EXPECT_EQ(report->bundle->info().method, "emoclip");
  EXPECT_TRUE(report->bundle->has_text_tower());
  EXPECT_EQ(labels_of(*report).size(), 7U);
  EXPECT_TRUE(test::has_note(report->notes, "text tower taken from clip.safetensors"));
  const std::string card = report->bundle->card().value();
  EXPECT_NE(card.find("It reads 32 frames, every 4th\n"), std::string::npos) << card;
  const Json& from = *report->bundle->info().provenance.find("converted_from");
  EXPECT_NE(from.find("text_files")->find("clip.safetensors"), nullptr);
}

TEST_F(ConvertTest, TheTextTowerOfAnotherModelMustFit) {
  Options options;
  options.text_from = dir_ / "missing";
  MIEN_EXPECT_CODE(convert(test::downstream_weights(3), options), StatusCode::kNotFound);
  options.text_from = save("image.safetensors", test::downstream_weights(2));
  const auto none = convert(test::downstream_weights(3), options);
  MIEN_EXPECT_CODE(none, StatusCode::kUnsupported);
  EXPECT_NE(none.status().message().find("has no text tower (expected a whole CLIP"),
            std::string::npos);
  options.text_from = save("clip.safetensors", test::clip_weights());
  MIEN_EXPECT_CODE(convert(test::clip_weights(), options), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(convert(test::swin_weights(), options), StatusCode::kInvalidArgument);
  EXPECT_FALSE(made());
}

TEST_F(ConvertTest, DferClipReadsItsClassesWithTheLearnedTokens) {
  const test::Weights weights = test::dfer_clip_weights();
  Options options;
  std::ofstream(dir_ / "texts.yaml") << "first: \"a b.\"\nsecond: \"c.\"\n";
  options.labels = (dir_ / "texts.yaml").string();
  const auto unknown = convert(weights, options);
  MIEN_EXPECT_CODE(unknown, StatusCode::kInvalidArgument);
  EXPECT_NE(unknown.status().message().find("position of the class text"), std::string::npos);
  std::vector<std::vector<float>> features;
  for (const TextPosition position :
       {TextPosition::kEnd, TextPosition::kFront, TextPosition::kMiddle}) {
    options.text_position = position;
    options.overwrite = true;
    const auto report = convert(weights, options);
    MIEN_ASSERT_OK(report);
    EXPECT_EQ(report->naming, "dfer_clip");
    const engine::BundleInfo& info = report->bundle->info();
    EXPECT_EQ(info.method, "dfer-clip");
    EXPECT_EQ(info.logit_scale, 100);
    EXPECT_EQ(info.sampling.rule, video::SamplingRule::kSegmentsOrHold);
    EXPECT_EQ(info.labels[0].texts.front(), "a b. (and 4 learned tokens)");
    EXPECT_TRUE(test::has_note(report->notes, to_string(position)));
    const auto read = to_f32(*report->bundle->label_features());
    features.emplace_back(read->f32().begin(), read->f32().end());
  }
  EXPECT_NE(features[0], features[1]);
  EXPECT_NE(features[1], features[2]);
  // Other texts than those of the training are found out by their vectors.
  std::ofstream(dir_ / "other.yaml") << "first: \"a.\"\nsecond: \"c.\"\n";
  options.labels = (dir_ / "other.yaml").string();
  MIEN_EXPECT_CODE(convert(weights, options, "other"), StatusCode::kCorrupt);
  EXPECT_FALSE(made("other"));
}

TEST_F(ConvertTest, DferClipFileMayGiveTheTextPosition) {
  test::Weights weights = test::dfer_clip_weights();
  weights.say("class_token_position", "front");
  Options options;
  std::ofstream(dir_ / "texts.yaml") << "first: \"a b.\"\nsecond: \"c.\"\n";
  options.labels = (dir_ / "texts.yaml").string();
  const auto report = convert(weights, options);
  MIEN_ASSERT_OK(report);
  EXPECT_TRUE(test::has_note(report->notes, "(front)"));
  options.text_position = TextPosition::kEnd;
  const auto other = convert(weights, options, "other");
  MIEN_EXPECT_CODE(other, StatusCode::kInvalidArgument);
  EXPECT_NE(other.status().message().find("differs from the file (expected 'front')"),
            std::string::npos);
  weights.say("class_token_position", "beside");
  MIEN_EXPECT_CODE(convert(weights, options, "other"), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(convert(test::clip_weights(), options, "other"), StatusCode::kInvalidArgument);
}

TEST_F(ConvertTest, Ke2ntWithTheClipItWasTrainedAgainst) {
  const auto tower = convert(test::ke2nt_weights(), {}, "tower");
  MIEN_ASSERT_OK(tower);
  EXPECT_EQ(tower->bundle->info().method, "image");
  EXPECT_TRUE(labels_of(*tower).empty());
  EXPECT_TRUE(test::has_note(tower->notes, "--text-from CLIP adds the text tower"));
  test::Weights loud = test::clip_weights();
  test::set_scale(loud, "logit_scale", 150);
  Options options;
  options.text_from = save("clip.safetensors", loud);
  const auto report = convert(test::ke2nt_weights(), options);
  MIEN_ASSERT_OK(report);
  EXPECT_EQ(report->naming, "swin");
  EXPECT_EQ(report->bundle->info().method, "e2n");
  EXPECT_NEAR(report->bundle->info().logit_scale, 150, 1e-3);
  EXPECT_EQ(labels_of(*report).front(), "surprise");
  EXPECT_TRUE(report->bundle->info().preprocess == image::PreprocessSpec::imagenet(8));
  EXPECT_TRUE(test::has_note(report->notes, "the transformation network of KE2NT is left out"));
}

TEST_F(ConvertTest, ExpClipsMapIsFoldedIntoBothTowers) {
  test::Weights map;
  map.set("projection_head.mlp.weight", {24, 32});
  Options options;
  options.projection = save("map.safetensors", map);
  const auto report = convert(test::clip_weights(), options);
  MIEN_ASSERT_OK(report);
  const engine::BundleInfo& info = report->bundle->info();
  EXPECT_EQ(info.method, "exp-clip");
  EXPECT_EQ(info.architecture.embed, 24);
  EXPECT_EQ(info.reduce, engine::Reduce::kMeanCosine);
  EXPECT_EQ(info.sampling.rule, video::SamplingRule::kCentresOrFirst);
  const Json& files = *info.provenance.find("converted_from")->find("files");
  EXPECT_NE(files.find("map.safetensors"), nullptr);
  MIEN_EXPECT_CODE(convert(test::emoclip_weights(), options, "other"),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(convert(test::swin_weights(), options, "other"), StatusCode::kInvalidArgument);
  map.set("projection_head.mlp.weight", {24, 33});
  save("map.safetensors", map);
  MIEN_EXPECT_CODE(convert(test::clip_weights(), options, "other"), StatusCode::kInvalidArgument);
  options.projection = save("none.safetensors", test::clip_weights());
  MIEN_EXPECT_CODE(convert(test::clip_weights(), options, "other"), StatusCode::kInvalidArgument);
  EXPECT_FALSE(made("other"));
}

TEST_F(ConvertTest, TensorsThatChangeTheAnswersAreNotLeftOutSilently) {
  test::Weights adapter = test::clip_weights();
  adapter.set("adapter.fc.0.weight", {4, 4});
  MIEN_EXPECT_CODE(convert(adapter), StatusCode::kUnsupported);
  EXPECT_FALSE(made());
  Options options;
  options.leave_out = {"adapter."};
  const auto report = convert(adapter, options);
  MIEN_ASSERT_OK(report);
  EXPECT_EQ(report->left_out, std::vector<std::string>{"adapter.fc.0.weight"});
}

TEST_F(ConvertTest, NumbersThatAreNotFiniteAreFoundBeforeAnythingIsWritten) {
  test::Weights weights = test::clip_weights();
  weights.set("visual.proj", Tensor::from_f32({64, 32}, std::vector<float>(64 * 32, NAN)));
  const auto report = convert(weights);
  MIEN_EXPECT_CODE(report, StatusCode::kCorrupt);
  EXPECT_NE(report.status().message().find("image tower gives numbers that are not finite"),
            std::string::npos);
  test::Weights text = test::clip_weights();
  text.set("text_projection", Tensor::from_f32({128, 32}, std::vector<float>(128 * 32, NAN)));
  MIEN_EXPECT_CODE(convert(text), StatusCode::kCorrupt);
  EXPECT_FALSE(made());
}

TEST_F(ConvertTest, ATokenizerMustBeThereAndFit) {
  fs::remove(dir_ / "tokenizer.txt");
  const auto none = convert(test::clip_weights());
  MIEN_EXPECT_CODE(none, StatusCode::kInvalidArgument);
  EXPECT_NE(none.status().message().find("no tokenizer beside the weights"), std::string::npos);
  Options options;
  options.tokenizer = dir_ / "none.txt";
  MIEN_EXPECT_CODE(convert(test::clip_weights(), options), StatusCode::kInvalidArgument);
  fs::create_directory(dir_ / "words");
  test::write_vocabulary(dir_ / "words");
  options.tokenizer = dir_ / "words";
  MIEN_EXPECT_CODE(convert(test::clip_weights(), options), StatusCode::kOk);
  test::Weights more = test::clip_weights();
  more.set("token_embedding.weight", {test::small_clip().vocab + 1, 128});
  const auto other = convert(more, options, "other");
  MIEN_EXPECT_CODE(other, StatusCode::kInvalidArgument);
  EXPECT_NE(other.status().message().find("as in the text tower"), std::string::npos)
      << other.status().message();
}

TEST_F(ConvertTest, ReplacesABundleOnlyWhenAskedTo) {
  MIEN_ASSERT_OK(convert(test::clip_weights()));
  MIEN_EXPECT_CODE(convert(test::clip_weights()), StatusCode::kInvalidArgument);
  Options options;
  options.overwrite = true;
  options.name = "second";
  const auto report = convert(test::clip_weights(), options);
  MIEN_ASSERT_OK(report);
  EXPECT_EQ(report->bundle->info().name, "second");
}

TEST_F(ConvertTest, CancelledIsNotWritten) {
  const std::atomic<bool> cancel = true;
  Options options;
  options.cancel = &cancel;
  MIEN_EXPECT_CODE(convert(test::clip_weights(), options), StatusCode::kCancelled);
  EXPECT_FALSE(made());
}

TEST_F(ConvertTest, LimitsHoldForTheSource) {
  Options options;
  options.limits.max_tensors = 3;
  MIEN_EXPECT_CODE(convert(test::clip_weights(), options), StatusCode::kResourceLimit);
}

TEST(TextPosition, HasNames) {
  for (const TextPosition position :
       {TextPosition::kEnd, TextPosition::kFront, TextPosition::kMiddle}) {
    EXPECT_EQ(find_text_position(to_string(position)), position);
  }
  EXPECT_FALSE(find_text_position("beside"));
}

TEST_F(ConvertTest, DescribesWeightsWithoutConvertingThem) {
  const auto clip = describe_weights(save("clip.safetensors", test::emoclip_weights()));
  MIEN_ASSERT_OK(clip);
  EXPECT_EQ(clip->naming, "openai");
  ASSERT_TRUE(clip->architecture);
  EXPECT_TRUE(clip->architecture->temporal);
  EXPECT_NEAR(clip->logit_scale.value_or(0), 60, 1e-3);
  EXPECT_EQ(clip->files, std::vector<fs::path>{dir_ / "clip.safetensors"});
  const auto head = describe_weights(save("head.safetensors", test::downstream_weights(3)));
  MIEN_ASSERT_OK(head);
  EXPECT_TRUE(head->architecture->regression);
  const auto dfer = describe_weights(save("dfer.safetensors", test::dfer_clip_weights()));
  MIEN_ASSERT_OK(dfer);
  EXPECT_TRUE(dfer->architecture && dfer->architecture->text);
  const auto other = describe_weights(save("swin.safetensors", test::swin_weights()));
  MIEN_ASSERT_OK(other);
  EXPECT_EQ(other->naming, "unknown");
  EXPECT_FALSE(other->architecture);
  EXPECT_EQ(other->notes.size(), 1U);
  // A damaged part is reported, and so is the rest.
  test::Weights hole = test::emoclip_weights();
  hole.erase("temporal.cls_token");
  const auto part = describe_weights(save("hole.safetensors", hole));
  MIEN_ASSERT_OK(part);
  EXPECT_TRUE(part->architecture);
  EXPECT_TRUE(test::has_note(part->notes, "temporal.cls_token"));
  MIEN_EXPECT_CODE(describe_weights(dir_ / "none"), StatusCode::kNotFound);
}

}  // namespace
}  // namespace mien::convert
