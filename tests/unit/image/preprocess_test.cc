#include "mien/image/preprocess.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "unit/image/image_test_support.h"

namespace mien::image {
namespace {

using namespace test;
using Kind = PreprocessStep::Kind;

PreprocessSpec spec_of(const std::string& method, int size) {
  if (method == "clip") return PreprocessSpec::clip(size);
  if (method == "emoclip") return PreprocessSpec::normalized_first(size);
  if (method == "dfer_clip") return PreprocessSpec::stretched(size);
  return {{{.kind = Kind::kGrey},
           {.kind = Kind::kCenterCrop, .size = 50},
           {.kind = Kind::kResizeExact, .size = size, .antialias = false},
           {.kind = Kind::kToFloat}}};
}

std::vector<float> run(ImageView source, const PreprocessSpec& spec) {
  const auto side = static_cast<std::size_t>(spec.output_size());
  std::vector<float> out(3 * side * side, -99);
  EXPECT_EQ(mien::test::problem_of(preprocess(source, spec, out)), "");
  return out;
}

TEST(Preprocess, EqualsTheReferencePipelines) {
  const std::vector<float> blob = golden_floats("preprocess.bin");
  for (const Json& item : golden_cases("preprocess.json")) {
    const Image source = golden_picture(text_of(item, "source"));
    const auto out = run(source, spec_of(text_of(item, "method"), int_of(item, "size")));
    float worst = 0;
    for (std::size_t k = 0; k < size_of(item, "count"); ++k) {
      const float want = blob[size_of(item, "at") + k];
      worst = std::max(worst, std::abs(out[k * 7919 % out.size()] - want));
    }
    EXPECT_LE(worst, 1e-5F) << item.dump();
    double mean = 0;
    for (const float v : out) mean += v;
    EXPECT_NEAR(mean / static_cast<double>(out.size()), item.find("mean")->as_number(), 1e-4)
        << item.dump();
  }
}

// One value per channel, so that every geometry gives the same result.
TEST(Preprocess, ConstantPicture) {
  Image source(31, 57);
  for (auto& v : source.pixels()) v = 51;
  const auto clip = run(source, PreprocessSpec::clip(24));
  for (std::size_t i = 0; i < 24 * 24; ++i) {
    ASSERT_NEAR(clip[i], (0.2F - 0.48145466F) / 0.26862954F, 1e-6F);
    ASSERT_NEAR(clip[2 * 24 * 24 + i], (0.2F - 0.40821073F) / 0.27577711F, 1e-6F);
  }
  for (const float v : run(source, PreprocessSpec::stretched(24))) ASSERT_FLOAT_EQ(v, 0.2F);
}

TEST(Preprocess, CenterCropRoundsLikePython) {
  // (h - th) / 2 = 0.5, 1.5, 2.5 round to 0, 2, 2.
  for (const auto& [side, first] : {std::pair{5, 0}, {7, 2}, {9, 2}, {4, 0}, {6, 1}}) {
    const PreprocessSpec spec{{{.kind = Kind::kCenterCrop, .size = 4}, {.kind = Kind::kToFloat}}};
    const auto out = run(numbered(side, side), spec);
    EXPECT_FLOAT_EQ(out[0] * 255, static_cast<float>(first)) << side;
    EXPECT_FLOAT_EQ(out[16] * 255, static_cast<float>(first)) << side;
  }
}

TEST(Preprocess, CenterCropPadsWithZeros) {
  Image white(3, 9);
  for (auto& v : white.pixels()) v = 255;
  for (const bool after : {false, true}) {
    PreprocessSpec spec{{{.kind = Kind::kCenterCrop, .size = 6}, {.kind = Kind::kToFloat}}};
    if (after) std::swap(spec.steps[0], spec.steps[1]);
    const auto out = run(white, spec);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t x = i % 6;
      EXPECT_EQ(out[i], x >= 1 && x < 4 ? 1.0F : 0.0F) << i;
    }
  }
}

TEST(Preprocess, FusedCropEqualsSeparateSteps) {
  const Image source = numbered(97, 33);
  PreprocessSpec fused = PreprocessSpec::clip(20);
  PreprocessSpec apart = fused;
  // A first crop that changes nothing prevents the fusion of the resize with the real one.
  apart.steps.insert(apart.steps.begin() + 1, {.kind = Kind::kCenterCrop, .size = 58});
  EXPECT_EQ(run(source, fused).size(), run(source, apart).size());
  const auto a = run(source, fused);
  const auto b = run(source, apart);
  // 58x20 -> pad to 58x58 -> crop 20: the same columns and rows.
  EXPECT_EQ(a, b);
}

TEST(Preprocess, GreyIsRec601) {
  Image source(1, 1);
  source.pixels() = {200, 100, 50};
  const PreprocessSpec spec{
      {{.kind = Kind::kGrey}, {.kind = Kind::kResizeExact, .size = 1}, {.kind = Kind::kToFloat}}};
  for (const float v : run(source, spec)) EXPECT_FLOAT_EQ(v * 255, 124);
}

TEST(Preprocess, NormalizeTwiceAndAfterResize) {
  const Image source = numbered(9, 9);
  const PreprocessStep half{.kind = Kind::kNormalize, .mean = {0.5F, 0.5F, 0.5F}, .std = {2, 2, 2}};
  const PreprocessStep exact{.kind = Kind::kResizeExact, .size = 9};
  const PreprocessSpec early{{{.kind = Kind::kToFloat}, half, half, exact}};
  const PreprocessSpec late{{{.kind = Kind::kToFloat}, exact, half, half}};
  EXPECT_EQ(run(source, early), run(source, late));
}

TEST(Preprocess, OnePixelPicture) {
  for (const char* method : {"clip", "emoclip", "dfer_clip", "grey_crop"}) {
    const auto out = run(numbered(1, 1), spec_of(method, 8));
    for (const float v : out) EXPECT_TRUE(std::isfinite(v)) << method;
  }
}

TEST(Preprocess, VeryThinPictureStaysCheap) {
  const auto out = run(Image(1, 16384), PreprocessSpec::clip(224));
  EXPECT_EQ(out.size(), 3U * 224 * 224);
  EXPECT_EQ(run(Image(16384, 1), PreprocessSpec::normalized_first(224)).size(), out.size());
}

TEST(Preprocess, VeryThinPictureWithoutACropIsRejected) {
  PreprocessSpec spec = PreprocessSpec::stretched(8);
  spec.steps.insert(spec.steps.begin(), {.kind = Kind::kResizeShorter, .size = 4096});
  std::vector<float> out(3 * 8 * 8);
  MIEN_EXPECT_CODE(preprocess(Image(1, 16384), spec, out), StatusCode::kResourceLimit);
}

TEST(Preprocess, EmptyPictureAndBadSpec) {
  std::vector<float> out(3 * 8 * 8);
  MIEN_EXPECT_CODE(preprocess(Image(), PreprocessSpec::clip(8), out), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(preprocess(numbered(3, 3), PreprocessSpec(), out), StatusCode::kInvalidArgument);
  EXPECT_THROW((void)preprocess(numbered(3, 3), PreprocessSpec::clip(9), out), ContractError);
}

}  // namespace
}  // namespace mien::image
