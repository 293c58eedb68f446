#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "engine/expression_place.h"
#include "mien/engine/bundle.h"
#include "support/bundles.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

using testing::HasSubstr;

std::vector<float> map_of(std::initializer_list<std::pair<int, int>> hot) {
  std::vector<float> out(49);
  for (const auto& [row, col] : hot) out[static_cast<std::size_t>(row * 7 + col)] = 1;
  return out;
}

PromptPlace place(std::initializer_list<std::pair<int, int>> hot, std::int64_t side,
                  std::int64_t patch) {
  return expression_place(map_of(hot), 7, side, patch);
}

TEST(ExpressionPlace, OneCellGivesItsCentre) {
  // Cell (3, 3) of 7 covers pixels 96 to 127 of 224; 201 of 255 cuts it evenly.
  EXPECT_EQ(place({{3, 3}}, 224, 56), (PromptPlace{111, 111}));
}

TEST(ExpressionPlace, TheLargestPartCounts) {
  // Two touching corners are one part of 8-connected cells, larger than the single cell.
  EXPECT_EQ(place({{1, 1}, {1, 2}, {5, 5}}, 224, 56), (PromptPlace{47, 63}));
}

TEST(ExpressionPlace, StaysInsideThePicture) {
  EXPECT_EQ(place({{0, 0}}, 224, 56), (PromptPlace{28, 28}));
  EXPECT_EQ(place({{6, 6}}, 224, 56), (PromptPlace{195, 195}));
  EXPECT_EQ(place({{0, 6}}, 48, 12), (PromptPlace{6, 41}));
}

TEST(ExpressionPlace, NegativeValuesAndFlatMaps) {
  std::vector<float> below = map_of({{2, 4}});
  for (float& value : below) value = 3 * value - 7;
  EXPECT_EQ(expression_place(below, 7, 224, 56), place({{2, 4}}, 224, 56));
  EXPECT_EQ(expression_place(std::vector<float>(49, 3), 7, 224, 56), (PromptPlace{112, 112}));
  const std::vector<float> broken(49, std::nanf(""));
  EXPECT_EQ(expression_place(broken, 7, 224, 56), (PromptPlace{112, 112}));
}

// A tiny bundle, 32 pixels a side, with a patch.
class PixelPatchTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto plain = test::tiny_bundle(dir_ / "plain");
    MIEN_ASSERT_OK(plain.status());
    plain_ = *plain;
    info_ = plain_->info();
    for (std::size_t i = 0; i < pixels_.size(); ++i) {
      pixels_[i] = std::sin(0.3F * static_cast<float>(i % 1111));
    }
    for (std::size_t i = 0; i < patch_.f32().size(); ++i) {
      patch_.f32()[i] = 0.1F * static_cast<float>(i);
    }
  }

  Result<std::shared_ptr<const Bundle>> write(const checkpoint::NamedTensors& more) {
    return test::extended_bundle(*plain_, info_, more, dir_ / "out");
  }

  // As the tower without a patch sees them when it is added at (row, col).
  std::vector<float> patched(int row, int col) const {
    std::vector<float> out = pixels_;
    for (std::size_t plane = 0; plane < 6; ++plane) {
      for (std::size_t y = 0; y < 4; ++y) {
        for (std::size_t x = 0; x < 4; ++x) {
          out[plane * 32 * 32 + (static_cast<std::size_t>(row) + y) * 32 +
              static_cast<std::size_t>(col) + x] += patch_.f32()[(plane % 3) * 16 + y * 4 + x];
        }
      }
    }
    return out;
  }

  std::vector<float> encoded(const Bundle& bundle, const std::vector<float>& pixels,
                             std::span<const PromptPlace> places = {}) {
    std::vector<float> out(2 * 32);
    const auto encoder = bundle.image_encoder();
    EXPECT_TRUE(encoder.ok()) << encoder.status().message();
    EXPECT_EQ(
        mien::test::problem_of((*encoder)->encode(pixels.data(), 2, out.data(), session_, places)),
        "");
    return out;
  }

  // Tensors of a rule for the place, that have a say in nothing but it.
  checkpoint::NamedTensors placing() {
    for (std::size_t i = 0; i < texts_.f32().size(); ++i) {
      texts_.f32()[i] = std::cos(static_cast<float>(i));
    }
    for (std::size_t i = 0; i < classifier_.f32().size(); ++i) {
      classifier_.f32()[i] = std::sin(0.7F * static_cast<float>(i));
    }
    const std::array<float, 6> scale = {0.5F, 0.4F, 0.3F, 0.2F, 0.3F, 0.4F};
    std::copy(scale.begin(), scale.end(), scale_.f32().begin());
    return {{"prompt.patch", patch_.view()},
            {"prompt.texts", texts_.view()},
            {"prompt.classifier", classifier_.view()},
            {"prompt.scale", scale_.view()}};
  }

  test::TempDir dir_;
  std::shared_ptr<const Bundle> plain_;
  BundleInfo info_;
  Session session_;
  std::vector<float> pixels_ = std::vector<float>(2 * 3 * 32 * 32);
  Tensor patch_{DType::kF32, {3, 4, 4}};
  Tensor texts_{DType::kF32, {2, 32}};
  Tensor classifier_{DType::kF32, {2, 64}};
  Tensor scale_{DType::kF32, {2, 3}};
};

TEST_F(PixelPatchTest, ChangesThePicturesOnly) {
  info_.architecture.prompt = PixelPrompt{.size = 4, .row = 10, .col = 20};
  const auto bundle = write({{"prompt.patch", patch_.view()}});
  MIEN_ASSERT_OK(bundle.status());
  EXPECT_EQ(encoded(**bundle, pixels_), encoded(*plain_, patched(10, 20)));
  EXPECT_FALSE((*(*bundle)->image_encoder())->places_patches());
}

TEST_F(PixelPatchTest, LiesWhereItIsTold) {
  info_.architecture.prompt = PixelPrompt{.size = 4, .labels = 2};
  const auto bundle = write(placing());
  MIEN_ASSERT_OK(bundle.status());
  const std::vector<PromptPlace> places(2, PromptPlace{3, 28});
  EXPECT_EQ(encoded(**bundle, pixels_, places), encoded(*plain_, patched(3, 28)));
}

TEST_F(PixelPatchTest, ThatEveryPicturePlacesGoesWithOneViewOnly) {
  info_.architecture.prompt = PixelPrompt{.size = 4, .labels = 2};
  MIEN_ASSERT_OK(write(placing()).status());
  const auto bundle = Bundle::load(dir_ / "out", {.views = 4});
  MIEN_ASSERT_OK(bundle.status());
  MIEN_EXPECT_CODE((*bundle)->image_encoder(), StatusCode::kUnsupported);
}

TEST_F(PixelPatchTest, EveryPictureSaysItsOwnPlaceUnlessTold) {
  info_.architecture.prompt = PixelPrompt{.size = 4, .labels = 2};
  const auto bundle = write(placing());
  MIEN_ASSERT_OK(bundle.status());
  const auto encoder = (*bundle)->image_encoder();
  MIEN_ASSERT_OK(encoder.status());
  ASSERT_TRUE((*encoder)->places_patches());
  const auto places = (*encoder)->places(pixels_.data(), 2, session_);
  MIEN_ASSERT_OK(places.status());
  ASSERT_EQ(places->size(), 2U);
  EXPECT_EQ(encoded(**bundle, pixels_), encoded(**bundle, pixels_, *places));
  // The definition, from the plain tower and its first layer's weights.
  const TensorView* conv = plain_->weights().find("visual.conv1.weight");
  ASSERT_NE(conv, nullptr);
  std::vector<float> weights(conv->bytes().size() / sizeof(float));
  std::memcpy(weights.data(), conv->bytes().data(), conv->bytes().size());
  const std::vector<float> rows = encoded(*plain_, pixels_);
  const std::int64_t patch = std::get<VitSizes>(info_.architecture.image).patch, grid = 32 / patch;
  for (std::size_t n = 0; n < 2; ++n) {
    std::array<double, 2> near{};
    for (std::size_t k = 0; k < 2; ++k) {
      for (std::size_t i = 0; i < 32; ++i) {
        near[k] +=
            static_cast<double>(rows[n * 32 + i]) * static_cast<double>(texts_.f32()[k * 32 + i]);
      }
    }
    const std::size_t best = near[1] > near[0] ? 1 : 0;
    std::vector<float> map;
    for (std::int64_t gy = 0; gy < grid; ++gy) {
      for (std::int64_t gx = 0; gx < grid; ++gx) {
        double sum = 0;
        for (std::int64_t channel = 0; channel < 64; ++channel) {
          double value = 0;
          for (std::int64_t i = 0; i < 3 * patch * patch; ++i) {
            const std::int64_t c = i / (patch * patch), y = i / patch % patch, x = i % patch;
            const auto at = static_cast<std::size_t>(
                ((static_cast<std::int64_t>(n) * 3 + c) * 32 + gy * patch + y) * 32 + gx * patch +
                x);
            const auto plane = static_cast<std::size_t>(c);
            const float raw = pixels_[at] * scale_.f32()[3 + plane] + scale_.f32()[plane];
            value += static_cast<double>(
                         weights[static_cast<std::size_t>(channel * 3 * patch * patch + i)]) *
                     static_cast<double>(raw);
          }
          sum += value * static_cast<double>(
                             classifier_.f32()[best * 64 + static_cast<std::size_t>(channel)]);
        }
        map.push_back(static_cast<float>(sum));
      }
    }
    const PromptPlace centre = expression_place(map, grid, 32, 4);
    EXPECT_EQ((*places)[n], (PromptPlace{centre.row - 2, centre.col - 2}));
  }
}

TEST_F(PixelPatchTest, BundlesThatDoNotFitAreRefused) {
  info_.architecture.prompt = PixelPrompt{.size = 8, .row = 30, .col = 0};
  const Tensor large(DType::kF32, {3, 8, 8});
  EXPECT_THAT(write({{"prompt.patch", large.view()}}).status().message(),
              HasSubstr("expected a square inside 32x32"));
  info_.architecture.prompt = PixelPrompt{.size = 4, .labels = 3};
  EXPECT_THAT(write(placing()).status().message(), HasSubstr("prompt.texts"));
  Json json = info_.architecture.to_json();
  json.set("prompt", Json::Object{{"size", 4}, {"labels", 2}, {"row", 1}, {"col", 1}});
  EXPECT_THAT(Architecture::parse(json, "b").status().message(), HasSubstr("a place and labels"));
  json.set("prompt", Json::Object{{"size", 4}, {"labels", 0}});
  EXPECT_THAT(Architecture::parse(json, "b").status().message(), HasSubstr("labels"));
}

}  // namespace
}  // namespace mien::engine
