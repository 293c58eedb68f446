#include "engine/stored_precision.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <limits>
#include <set>

#include "engine/tiny_bundle.h"
#include "mien/core/rng.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/image/decode.h"
#include "mien/kernels/cpu.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

using kernels::Precision;
using test::TempDir;

constexpr std::string_view kWeight = "visual.transformer.resblocks.0.mlp.c_fc.weight";

std::vector<float> random_pixels(std::size_t count, std::uint64_t seed = 5) {
  Rng rng(seed);
  std::vector<float> out(count * 3 * 32 * 32);
  for (float& v : out) v = static_cast<float>(rng.normal());
  return out;
}

class PrecisionTest : public ::testing::Test {
 protected:
  void SetUp() override { MIEN_ASSERT_OK(write_tiny_bundle(path_)); }

  std::shared_ptr<const Bundle> load(PrecisionChoice precision) const {
    return load(path_, precision);
  }
  static std::shared_ptr<const Bundle> load(const std::filesystem::path& path,
                                            PrecisionChoice precision) {
    const auto bundle = Bundle::load(path, {.precision = precision});
    EXPECT_TRUE(bundle.ok()) << test::problem_of(bundle);
    return bundle.ok() ? *bundle : nullptr;
  }

  /// Writes the bundle with the tensors as `precision` stores them, after `change`.
  std::filesystem::path store(Precision precision,
                              const std::function<void(StoredTensors&)>& change = {}) {
    const auto source = load(PrecisionChoice::kF32);
    auto stored = store_as(source->weights(), precision);
    EXPECT_TRUE(stored.ok());
    if (change) change(*stored);
    BundleContent content;
    content.info = source->info();
    content.tensors = stored->tensors;
    content.tokenizer = *source->tokenizer_text();
    content.card = *source->card();
    const auto path = dir_ / ("stored" + std::to_string(++stored_));
    EXPECT_TRUE(write_bundle(path, content).ok());
    return path;
  }

  static std::vector<float> embed(const Bundle& bundle, std::span<const float> pixels) {
    const auto encoder = *bundle.image_encoder();
    const std::int64_t count = std::ssize(pixels) / (3 * 32 * 32);
    std::vector<float> out(static_cast<std::size_t>(count * encoder->embed()));
    Session session;
    EXPECT_TRUE(encoder->encode(pixels.data(), count, out.data(), session).ok());
    return out;
  }

  TempDir dir_;
  std::filesystem::path path_ = dir_ / "tiny";
  int stored_ = 0;
};

TEST_F(PrecisionTest, RandomTowersKeepTheRuleForEmbeddings) {
  const auto pixels = random_pixels(64);
  const auto truth = load(PrecisionChoice::kF32);
  for (const auto& [choice, precision] : {std::pair(PrecisionChoice::kBf16, Precision::kBf16),
                                          std::pair(PrecisionChoice::kInt8, Precision::kInt8)}) {
    if (precision == Precision::kBf16 && kernels::active_isa() != kernels::Isa::kAvx512) {
      EXPECT_EQ(load(choice)->precision(), Precision::kF32) << "there is no bf16 on this CPU";
      continue;
    }
    const auto bundle = load(choice);
    EXPECT_EQ(bundle->precision(), precision);
    EXPECT_EQ(bundle->image_precision(), precision);
    const auto agreement = compare_precision(*truth, *bundle, pixels);
    MIEN_ASSERT_OK(agreement);
    EXPECT_EQ(agreement->pictures, 64);
    EXPECT_GE(agreement->least_cosine, precision == Precision::kInt8 ? 0.99 : 0.9995);
    EXPECT_LT(agreement->least_cosine, 0.9999999) << "nothing was rounded";
  }
}

TEST_F(PrecisionTest, TextTowerKeepsTheRule) {
  const std::vector<std::string> texts = {"a happy face", "sad", "a face that is angry and tired"};
  Session session;
  const auto want = encode_texts(*load(PrecisionChoice::kF32), texts, session);
  const auto got = encode_texts(*load(PrecisionChoice::kInt8), texts, session);
  MIEN_ASSERT_OK(want);
  MIEN_ASSERT_OK(got);
  for (std::size_t t = 0; t < 3; ++t) {
    double dot = 0;  // both have unit length
    for (std::size_t i = 0; i < 32; ++i) {
      dot += static_cast<double>(want->f32()[t * 32 + i]) *
             static_cast<double>(got->f32()[t * 32 + i]);
    }
    EXPECT_GE(dot, 0.99);
    EXPECT_LT(dot, 0.9999999);
  }
}

TEST_F(PrecisionTest, Int8DoesNotDependOnTheBatch) {
  const auto bundle = load(PrecisionChoice::kInt8);
  const auto pixels = random_pixels(200);  // more than one pass
  const auto all = embed(*bundle, pixels);
  for (const std::size_t n : {std::size_t{0}, std::size_t{93}, std::size_t{199}}) {
    const auto one = embed(*bundle, std::span(pixels).subspan(n * 3072, 3072));
    for (std::size_t i = 0; i < 32; ++i) ASSERT_NEAR(one[i], all[n * 32 + i], 2e-3);
  }
}

TEST_F(PrecisionTest, StoredWeightsGiveWhatRoundingAtLoadGives) {
  const auto pixels = random_pixels(5);
  for (const auto& [choice, precision] : {std::pair(PrecisionChoice::kBf16, Precision::kBf16),
                                          std::pair(PrecisionChoice::kInt8, Precision::kInt8)}) {
    if (precision == Precision::kBf16 && kernels::active_isa() != kernels::Isa::kAvx512) {
      EXPECT_EQ(load(choice)->precision(), Precision::kF32) << "there is no bf16 on this CPU";
      continue;
    }
    const auto path = store(precision);
    EXPECT_EQ(embed(*load(path, choice), pixels), embed(*load(choice), pixels));
    EXPECT_LT(std::filesystem::file_size(path / "model.safetensors"),
              std::filesystem::file_size(path_ / "model.safetensors"));
  }
}

TEST_F(PrecisionTest, AutoTakesInt8OnlyWhereItIsStored) {
  EXPECT_NE(load(PrecisionChoice::kAuto)->precision(), Precision::kInt8);
  EXPECT_EQ(load(store(Precision::kInt8), PrecisionChoice::kAuto)->precision(), Precision::kInt8);
}

TEST_F(PrecisionTest, StoredInt8RunsInEveryPrecisionAndGoesBackToFloats) {
  const auto pixels = random_pixels(4);
  const auto path = store(Precision::kInt8);
  const auto stored = load(path, PrecisionChoice::kF32);
  const auto agreement = compare_precision(*load(PrecisionChoice::kF32), *stored, pixels);
  MIEN_ASSERT_OK(agreement);
  EXPECT_GE(agreement->least_cosine, 0.99);
  const auto floats = store_as(stored->weights(), Precision::kF32);
  MIEN_ASSERT_OK(floats);
  EXPECT_GT(floats->changed, 0);
  std::set<std::string> names;
  for (const auto& [name, view] : floats->tensors) {
    EXPECT_EQ(view.dtype(), DType::kF32) << name;
    names.insert(name);
  }
  const auto source = load(PrecisionChoice::kF32);
  for (const auto& [name, view] : source->weights().tensors()) {
    EXPECT_EQ(names.erase(name), 1U) << name;
  }
  EXPECT_TRUE(names.empty());
  // Rounding rounded weights changes nothing.
  const auto again = store_as(stored->weights(), Precision::kInt8);
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(again->changed, 0);
}

TEST_F(PrecisionTest, DamagedScalesAreRefused) {
  const auto status_with = [&](const std::function<void(StoredTensors&)>& change) {
    return Bundle::load(store(Precision::kInt8, change)).status();
  };
  const std::string scales = std::string(kWeight) + kScaleSuffix;
  const auto replace = [&](const std::string& name, Tensor fresh) {
    return [&, name, made = std::make_shared<Tensor>(std::move(fresh))](StoredTensors& stored) {
      for (auto& [key, view] : stored.tensors) {
        if (key == name) view = made->view();
      }
    };
  };
  const auto values = [](float one) {
    std::vector<float> out(128, 0.5F);
    out[7] = one;
    return Tensor::from_f32({128}, out);
  };
  MIEN_EXPECT_CODE(status_with(replace(scales, values(0.25F))), StatusCode::kOk);
  for (const float bad : {0.0F, -1.0F, std::numeric_limits<float>::infinity(),
                          std::numeric_limits<float>::quiet_NaN()}) {
    MIEN_EXPECT_CODE(status_with(replace(scales, values(bad))), StatusCode::kCorrupt);
  }
  MIEN_EXPECT_CODE(status_with(replace(scales, Tensor(DType::kF32, {127}))), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(status_with(replace(scales, Tensor(DType::kF32, {128, 1}))),
                   StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(status_with(replace(scales, Tensor(DType::kF16, {128}))), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(status_with([&](StoredTensors& stored) {
                     std::erase_if(stored.tensors,
                                   [&](const auto& t) { return t.first == scales; });
                   }),
                   StatusCode::kCorrupt);
  // Scales without an I8 weight belong to nothing.
  MIEN_EXPECT_CODE(status_with(replace(std::string(kWeight), Tensor(DType::kF32, {128, 64}))),
                   StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(status_with(replace(std::string(kWeight), Tensor(DType::kI8, {64, 128}))),
                   StatusCode::kCorrupt);
  // Other weights cannot be int8.
  MIEN_EXPECT_CODE(status_with(replace("visual.proj", Tensor(DType::kI8, {64, 32}))),
                   StatusCode::kUnsupported);
}

TEST_F(PrecisionTest, NamesOfWeightsInInt8) {
  EXPECT_TRUE(takes_int8(kWeight));
  EXPECT_TRUE(takes_int8("transformer.resblocks.11.attn.in_proj_weight"));
  EXPECT_TRUE(takes_int8("visual.layers.2.blocks.5.attn.qkv.weight"));
  EXPECT_FALSE(takes_int8("visual.transformer.resblocks.0.ln_1.weight"));
  EXPECT_FALSE(takes_int8("words.transformer.resblocks.0.mlp.c_fc.weight"));
  EXPECT_FALSE(takes_int8("visual.conv1.weight"));
  EXPECT_FALSE(takes_int8("visual.proj"));
  EXPECT_FALSE(takes_int8("visual.layers.0.downsample.reduction.weight"));
  EXPECT_EQ(find_precision("int8"), PrecisionChoice::kInt8);
  EXPECT_FALSE(find_precision("int4"));
}

TEST_F(PrecisionTest, RuleTellsFarFromNear) {
  EXPECT_TRUE(keeps_rule({.pictures = 1, .least_cosine = 0.991}, Precision::kInt8));
  EXPECT_FALSE(keeps_rule({.pictures = 1, .least_cosine = 0.989}, Precision::kInt8));
  EXPECT_FALSE(keeps_rule({.pictures = 1, .least_cosine = 0.999}, Precision::kBf16));
  EXPECT_FALSE(keeps_rule({.least_cosine = 1, .same_first = 0.98}, Precision::kInt8));
  EXPECT_FALSE(keeps_rule({.least_cosine = std::nan("")}, Precision::kInt8));
}

// The bundle that ships: its image tower is made of convolutions, which int8 leaves in bf16.
std::filesystem::path compact() { return test::source_dir() / "models/compact"; }

TEST(CompactPrecision, KeepsTheRuleOnMadeUpPictures) {
  const auto truth = Bundle::load(compact());
  const auto rounded = Bundle::load(compact(), {.precision = PrecisionChoice::kInt8});
  MIEN_ASSERT_OK(truth);
  MIEN_ASSERT_OK(rounded);
  EXPECT_EQ((*rounded)->precision(), Precision::kInt8);
  EXPECT_NE((*rounded)->image_precision(), Precision::kInt8);
  const auto side = static_cast<std::size_t>((*truth)->info().architecture.image_size());
  std::vector<float> pixels(24 * 3 * side * side);
  for (std::size_t i = 0; i < pixels.size(); ++i) {  // smooth, the same in all channels
    const std::size_t n = i / (3 * side * side), y = i / side % side, x = i % side;
    pixels[i] = std::sin(0.11F * static_cast<float>((n + 2) * x) / 7.0F +
                         0.07F * static_cast<float>(y * (n % 5 + 1)));
  }
  const auto agreement = compare_precision(**truth, **rounded, pixels);
  MIEN_ASSERT_OK(agreement);
  EXPECT_TRUE(keeps_rule(*agreement, Precision::kBf16))
      << agreement->least_cosine << " " << agreement->same_first;
  MIEN_EXPECT_CODE(store_as((*truth)->weights(), Precision::kInt8), StatusCode::kUnsupported);
}

TEST(CompactPrecision, KeepsTheRuleOnRealFaces) {
  const auto archive =
      test::shared_data().empty() ? std::filesystem::path() : test::shared_data() / "lfwexpr.tar";
  if (archive.empty() || !std::filesystem::exists(archive)) {
    GTEST_SKIP() << "no shared data (set MIEN_DATA)";
  }
  const TempDir folder;
  const std::string command =
      "tar -xf '" + archive.string() + "' -C '" + folder.path().string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto truth = Bundle::load(compact());
  const auto rounded = Bundle::load(compact(), {.precision = PrecisionChoice::kBf16});
  MIEN_ASSERT_OK(truth);
  MIEN_ASSERT_OK(rounded);
  const auto& spec = (*truth)->info().preprocess;
  const auto each = static_cast<std::size_t>(3 * spec.output_size() * spec.output_size());
  std::vector<float> pixels;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file() || pixels.size() >= 400 * each) continue;
    const auto picture = image::load(entry.path());
    if (!picture.ok()) continue;
    pixels.resize(pixels.size() + each);
    MIEN_ASSERT_OK(image::preprocess(picture->view(), spec, std::span(pixels).last(each)));
  }
  ASSERT_GE(pixels.size(), 100 * each);
  const auto agreement = compare_precision(**truth, **rounded, pixels);
  MIEN_ASSERT_OK(agreement);
  EXPECT_TRUE(keeps_rule(*agreement, Precision::kBf16))
      << agreement->least_cosine << " " << agreement->same_first;
}

}  // namespace
}  // namespace mien::engine
