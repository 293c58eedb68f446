// A bundle as the source of a conversion.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "engine/stored_precision.h"
#include "engine/tiny_bundle.h"
#include "support/bundles.h"
#include "unit/convert/models.h"

namespace mien::convert {
namespace {

namespace fs = std::filesystem;
using engine::BundleInfo;

// Two classes of one face each, in the space of the tiny bundle.
engine::ReferenceInfo two_faces() {
  engine::ReferenceInfo out;
  out.classes = {{"a", 1, 0.5}, {"b", 1, 0.5}};
  out.directions = 1;
  out.far = 0.5;
  out.far_unit = 0.25;
  out.threshold = 1;
  out.words = {"happy"};
  return out;
}

Tensor unit_rows(std::int64_t rows, std::int64_t width) {
  Tensor out(DType::kF32, {rows, width});
  for (std::int64_t r = 0; r < rows; ++r) {
    out.f32()[static_cast<std::size_t>(r * width + r % width)] = 1;
  }
  return out;
}

class FromBundleTest : public testing::Test {
 protected:
  void SetUp() override {
    auto plain = test::tiny_bundle(dir_ / "plain");
    MIEN_ASSERT_OK(plain);
    plain_ = std::move(plain).value();
  }
  /// The tiny bundle with another description and more tensors, as the source "source".
  void make_source(const std::function<void(BundleInfo&)>& change,
                   const checkpoint::NamedTensors& more = {}) {
    BundleInfo info = plain_->info();
    change(info);
    MIEN_ASSERT_OK(test::extended_bundle(*plain_, info, more, dir_ / "source"));
  }
  Result<ConversionReport> convert(const Options& options = {}, const char* from = "source") {
    fs::remove_all(dir_ / "out");
    return to_bundle(dir_ / from, dir_ / "out", options);
  }

  test::TempDir dir_;
  std::shared_ptr<const engine::Bundle> plain_;
};

std::size_t text_count(const BundleInfo& info) {
  std::size_t out = 0;
  for (const text::Label& label : info.labels) out += label.texts.size();
  return out;
}

TEST_F(FromBundleTest, NeedsNoLogitScaleAmongItsTensors) {
  ASSERT_EQ(plain_->weights().find("logit_scale"), nullptr);
  const auto report = convert({}, "plain");
  MIEN_ASSERT_OK(report);
  EXPECT_EQ(report->naming, "openai");
  EXPECT_TRUE(report->notes.empty());
  EXPECT_TRUE(report->left_out.empty());
  const engine::Bundle& made = *report->bundle;
  EXPECT_EQ(made.info().logit_scale, plain_->info().logit_scale);
  EXPECT_EQ(made.info().labels, plain_->info().labels);
  EXPECT_EQ(made.info().licence, plain_->info().licence);
  EXPECT_TRUE(made.info().architecture == plain_->info().architecture);
  for (const auto& [name, view] : plain_->weights().tensors()) {
    const TensorView* same = made.weights().find(name);
    ASSERT_NE(same, nullptr) << name;
    EXPECT_TRUE(std::ranges::equal(view.bytes(), same->bytes())) << name;
  }
  // Where the weights come from, and what was said of them, stays known.
  const Json& provenance = made.info().provenance;
  EXPECT_EQ(provenance.find("weights")->as_string(), "random");
  EXPECT_NE(provenance.find("converted_from")->find("files"), nullptr);
  EXPECT_NE(made.card()->find("# Tiny random bundle"), std::string::npos);
}

TEST_F(FromBundleTest, ConvertedAgainItStillNamesTheFirstSource) {
  test::write_vocabulary(dir_.path());
  test::clip_weights().write(dir_ / "clip.safetensors");
  MIEN_ASSERT_OK(to_bundle(dir_ / "clip.safetensors", dir_ / "source", {}));
  const auto report = convert();
  MIEN_ASSERT_OK(report);
  const Json& from = *report->bundle->info().provenance.find("converted_from");
  EXPECT_NE(from.find("files")->find("model.safetensors"), nullptr);
  EXPECT_NE(from.find("converted_from")->find("files")->find("clip.safetensors"), nullptr);
}

TEST_F(FromBundleTest, TheShippedOneKeepsAllItKnows) {
  const fs::path compact = test::source_dir() / "models/compact";
  const auto source = engine::Bundle::load(compact);
  MIEN_ASSERT_OK(source);
  const auto report = to_bundle(compact, dir_ / "out", {});
  MIEN_ASSERT_OK(report);
  BundleInfo expected = (*source)->info();
  BundleInfo found = report->bundle->info();
  for (BundleInfo* info : {&expected, &found}) {
    info->provenance = Json::object();
    info->files.clear();
  }
  EXPECT_EQ(found.to_json().dump(), expected.to_json().dump());
  EXPECT_EQ(*report->bundle->tokenizer_text(), *(*source)->tokenizer_text());
  EXPECT_NE(report->bundle->label_features(), nullptr);
  for (const auto& [name, view] : (*source)->weights().tensors()) {
    const TensorView* same = report->bundle->weights().find(name);
    ASSERT_NE(same, nullptr) << name;
    EXPECT_TRUE(std::ranges::equal(view.bytes(), same->bytes())) << name;
  }
}

TEST_F(FromBundleTest, ATarIsAsGoodAsAFolder) {
  const std::string command = "tar --format=ustar -C " + dir_.path().string() + " -cf " +
                              (dir_ / "plain.tar").string() + " plain";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto report = convert({}, "plain.tar");
  MIEN_ASSERT_OK(report);
  EXPECT_EQ(report->bundle->info().name, "plain");
  EXPECT_EQ(report->bundle->info().labels, plain_->info().labels);
}

TEST_F(FromBundleTest, CalibrationStaysWithItsLabels) {
  make_source([](BundleInfo& info) {
    info.temperature = 2.5;
    info.unknown.threshold = 0.4;
    info.reduce = engine::Reduce::kMaxCosine;
    info.crop.margin = 0.25F;
  });
  const auto kept = convert();
  MIEN_ASSERT_OK(kept);
  EXPECT_EQ(kept->bundle->info().temperature, 2.5);
  EXPECT_EQ(kept->bundle->info().unknown.threshold, 0.4);
  EXPECT_EQ(kept->bundle->info().reduce, engine::Reduce::kMaxCosine);
  Options options;
  options.labels = "bored,proud";
  const auto other = convert(options);
  MIEN_ASSERT_OK(other);
  const BundleInfo& info = other->bundle->info();
  EXPECT_EQ(info.labels.front().name, "bored");
  EXPECT_EQ(info.temperature, 1);
  EXPECT_FALSE(info.unknown.threshold);
  EXPECT_EQ(info.crop.margin, 0.25F);
  EXPECT_TRUE(test::has_note(other->notes, "belong to its own labels and are not kept"));
  options = {};
  options.activation = kernels::Activation::kGelu;
  const auto turned = convert(options);
  MIEN_ASSERT_OK(turned);
  EXPECT_EQ(turned->bundle->info().temperature, 1);
  EXPECT_TRUE(test::has_note(turned->notes, "belong to its own embeddings and are not kept"));
}

TEST_F(FromBundleTest, TheReferenceStaysWhileFacesAreReadTheSame) {
  const std::int64_t embed = plain_->info().architecture.embed;
  const Tensor faces = unit_rows(2, embed);
  const Tensor basis = unit_rows(2, embed);
  make_source(
      [](BundleInfo& info) { info.reference = two_faces(); },
      {{engine::Reference::kFaces, faces.view()}, {engine::Reference::kBasis, basis.view()}});
  Options options;
  options.labels = "bored,proud";  // it goes by faces, not by labels
  options.dtype = DType::kBF16;
  const auto kept = convert(options);
  MIEN_ASSERT_OK(kept);
  ASSERT_NE(kept->bundle->reference(), nullptr);
  EXPECT_TRUE(kept->bundle->reference()->info() == two_faces());
  options = {};
  options.preprocess = Preprocess::kDferClip;
  const auto lost = convert(options);
  MIEN_ASSERT_OK(lost);
  EXPECT_EQ(lost->bundle->reference(), nullptr);
  EXPECT_EQ(lost->bundle->weights().find(engine::Reference::kFaces), nullptr);
  EXPECT_TRUE(test::has_note(lost->notes, "the reference of faces behind *unknown* is not kept"));
}

TEST_F(FromBundleTest, LearnedLabelsKeepTheirStoredFeatures) {
  const auto texts = static_cast<std::int64_t>(text_count(plain_->info()));
  const Tensor features = unit_rows(texts, plain_->info().architecture.embed);
  make_source(
      [&](BundleInfo& info) {
        info.learned.resize(static_cast<std::size_t>(texts), {{{{"smile", 0.5}}}});
      },
      {{engine::Bundle::kLabelFeatures, features.view()}});
  const auto kept = convert();
  MIEN_ASSERT_OK(kept);
  EXPECT_EQ(kept->bundle->info().learned.size(), static_cast<std::size_t>(texts));
  EXPECT_TRUE(std::ranges::equal(kept->bundle->label_features()->bytes(), features.view().bytes()));
  Options options;
  options.activation = kernels::Activation::kGelu;
  MIEN_EXPECT_CODE(convert(options), StatusCode::kInvalidArgument);
  options.labels = "bored,proud";
  const auto other = convert(options);
  MIEN_ASSERT_OK(other);
  EXPECT_TRUE(other->bundle->info().learned.empty());
}

TEST_F(FromBundleTest, WithoutATextTowerItKeepsItsLabels) {
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "source", {.text_tower = false}));
  const auto kept = convert();
  MIEN_ASSERT_OK(kept);
  EXPECT_EQ(kept->bundle->info().labels, plain_->info().labels);
  EXPECT_NE(kept->bundle->label_features(), nullptr);
  Options options;
  options.labels = "bored,proud";
  const auto other = convert(options);
  MIEN_EXPECT_CODE(other, StatusCode::kInvalidArgument);
  EXPECT_NE(other.status().message().find("has no text tower"), std::string::npos);
  options.text_from = dir_ / "plain";
  const auto with_words = convert(options);
  MIEN_ASSERT_OK(with_words);
  EXPECT_TRUE(with_words->bundle->has_text_tower());
  EXPECT_EQ(with_words->bundle->info().labels.size(), 2U);
}

TEST_F(FromBundleTest, WeightsStoredInInt8BecomeFloatsAgain) {
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "wide", {.temporal = true, .targets = {"x"}}));
  const auto wide = engine::Bundle::load(dir_ / "wide");
  MIEN_ASSERT_OK(wide);
  auto stored = engine::store_as((*wide)->weights(), kernels::Precision::kInt8);
  MIEN_ASSERT_OK(stored);
  engine::BundleContent content{.info = (*wide)->info(),
                                .tensors = stored->tensors,
                                .tokenizer = *(*wide)->tokenizer_text(),
                                .card = "test"};
  MIEN_ASSERT_OK(engine::write_bundle(dir_ / "source", std::move(content)));
  const std::string weight = "visual.transformer.resblocks.0.mlp.c_fc.weight";
  const auto kept = convert();
  MIEN_ASSERT_OK(kept);
  EXPECT_EQ(kept->bundle->weights().find(weight)->dtype(), DType::kI8);
  Options options;
  options.dtype = DType::kBF16;
  options.targets = {"arousal"};
  const auto floats = convert(options);
  MIEN_ASSERT_OK(floats);
  EXPECT_EQ(floats->bundle->weights().find(weight)->dtype(), DType::kBF16);
  EXPECT_EQ(floats->bundle->weights().find(weight + engine::kScaleSuffix), nullptr);
  EXPECT_EQ(floats->bundle->info().targets.front().name, "arousal");
  options.image_only = true;
  options.dtype.reset();
  const auto image = convert(options);
  MIEN_ASSERT_OK(image);
  EXPECT_EQ(image->bundle->weights().find("transformer.resblocks.0.mlp.c_fc.weight.scale"),
            nullptr);
}

TEST_F(FromBundleTest, OptionsThatDoNotFit) {
  Options options;
  options.text_from = dir_ / "plain";
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "source"));
  MIEN_EXPECT_CODE(convert(options), StatusCode::kInvalidArgument);
  options = {};
  options.targets = {"x"};
  MIEN_EXPECT_CODE(convert(options), StatusCode::kInvalidArgument);
  options = {};
  options.text_position = TextPosition::kEnd;
  MIEN_EXPECT_CODE(convert(options), StatusCode::kInvalidArgument);
  options = {};
  options.activation = kernels::Activation::kGelu;
  MIEN_EXPECT_CODE(to_bundle(test::source_dir() / "models/compact", dir_ / "c", options),
                   StatusCode::kInvalidArgument);
}

TEST_F(FromBundleTest, LabelsThatWeightsWereLearnedForCannotBeReplaced) {
  const std::int64_t embed = plain_->info().architecture.embed;
  const auto labels = static_cast<std::int64_t>(plain_->info().labels.size());
  engine::Architecture architecture = plain_->info().architecture;
  architecture.reciprocal = engine::ReciprocalPoints{.labels = static_cast<int>(labels)};
  std::vector<Tensor> owned;
  checkpoint::NamedTensors more;
  owned.reserve(8);
  for (const auto& expected : engine::expected_tensors(architecture)) {
    if (plain_->weights().find(expected.name) != nullptr) continue;
    owned.emplace_back(DType::kF32, expected.shape);
    owned.back().f32()[0] = 1;
    more.emplace_back(expected.name, owned.back().view());
  }
  ASSERT_GT(embed * labels, 0);
  make_source([&](BundleInfo& info) { info.architecture = architecture; }, more);
  MIEN_EXPECT_CODE(convert(), StatusCode::kOk);
  Options options;
  options.labels = "bored,proud";
  const auto other = convert(options);
  MIEN_EXPECT_CODE(other, StatusCode::kInvalidArgument);
  EXPECT_NE(other.status().message().find("learned for each of its labels"), std::string::npos);
}

}  // namespace
}  // namespace mien::convert
