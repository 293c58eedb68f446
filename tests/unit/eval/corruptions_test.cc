#include "eval/corruptions.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "support/test_support.h"

namespace mien::eval {
namespace {

using image::Image;

Image checker(int width, int height) {
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        out.row(y)[3 * x + c] =
            static_cast<std::uint8_t>(((x / 8 + y / 8) % 2 != 0 ? 190 : 60) + 10 * c);
      }
    }
  }
  return out;
}

double distance(const Image& a, const Image& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) {
    sum += std::abs(int{a.pixels()[i]} - int{b.pixels()[i]});
  }
  return sum / static_cast<double>(a.pixels().size());
}

TEST(Corruptions, EachLevelIsWorseAndRepeatable) {
  const Image picture = checker(112, 96);
  for (const Corruption kind : all_corruptions()) {
    double last = 0;
    for (int level = 1; level <= kCorruptionLevels; ++level) {
      const auto corrupted = corrupt_image(picture, kind, level, "a.png");
      MIEN_ASSERT_OK(corrupted);
      ASSERT_EQ(corrupted->width(), 112);
      ASSERT_EQ(corrupted->height(), 96);
      const double now = distance(picture, *corrupted);
      // JPEG's blocks may meet the squares by chance; it is worse than the original all the same.
      EXPECT_GT(now, kind == Corruption::kJpeg ? 0.0 : last) << to_string(kind) << ' ' << level;
      last = now;
      EXPECT_EQ(corrupt_image(picture, kind, level, "a.png")->pixels(), corrupted->pixels());
    }
  }
}

TEST(Corruptions, SamplesAndSeedsDiffer) {
  const Image picture = checker(64, 64);
  for (const Corruption kind : {Corruption::kNoise, Corruption::kOcclusion}) {
    const auto a = corrupt_image(picture, kind, 3, "a.png");
    EXPECT_NE(corrupt_image(picture, kind, 3, "b.png")->pixels(), a->pixels());
    EXPECT_NE(corrupt_image(picture, kind, 3, "a.png", 2)->pixels(), a->pixels());
  }
}

TEST(Corruptions, SizesAreWhatTheyClaim) {
  const Image flat = [] {
    Image out(100, 50);
    for (std::uint8_t& v : out.pixels()) v = 40;
    return out;
  }();
  const auto hidden = corrupt_image(flat, Corruption::kOcclusion, 5, "x");
  MIEN_ASSERT_OK(hidden);
  const auto grey = std::count(hidden->pixels().begin(), hidden->pixels().end(), 128);
  EXPECT_NEAR(static_cast<double>(grey) / (100 * 50 * 3), 0.5, 0.01);
  const auto noise = corrupt_image(checker(200, 200), Corruption::kNoise, 1, "x");
  double square = 0;
  const Image source = checker(200, 200);
  for (std::size_t i = 0; i < source.pixels().size(); ++i) {
    square += std::pow(int{source.pixels()[i]} - int{noise->pixels()[i]}, 2);
  }
  EXPECT_NEAR(std::sqrt(square / static_cast<double>(source.pixels().size())), 0.04 * 255, 0.3);
}

TEST(Corruptions, TinyPicturesAndNames) {
  for (const Corruption kind : all_corruptions()) {
    for (int level = 1; level <= kCorruptionLevels; ++level) {
      MIEN_ASSERT_OK(corrupt_image(Image(1, 1), kind, level, ""));
      MIEN_ASSERT_OK(corrupt_image(Image(3, 40), kind, level, ""));
    }
    EXPECT_EQ(*parse_corruption(to_string(kind)), kind);
  }
  MIEN_EXPECT_CODE(parse_corruption("fog"), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::eval
