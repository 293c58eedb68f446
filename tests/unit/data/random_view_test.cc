#include "data/random_view.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace mien::data {
namespace {

constexpr int kSide = 8;
const std::size_t kArea = kSide * kSide;

std::vector<float> slope() {
  std::vector<float> out(3 * kArea);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(i % kSide) / kSide;
  }
  return out;
}

TEST(RandomView, DefaultsChangeNothing) {
  Rng rng(1);
  EXPECT_FALSE(RandomViewOptions{}.any());
  const RandomView view = draw_view({}, rng);
  std::vector<float> planes = slope();
  jitter(view, {}, planes);
  crop(view, kSide, planes);
  EXPECT_EQ(planes, slope());
}

TEST(RandomView, DrawsStayInRangeAndTakeTheSameNumbers) {
  const RandomViewOptions options = RandomViewOptions::cliper();
  EXPECT_TRUE(options.any());
  Rng rng(2), other(2);
  int crops = 0;
  for (int i = 0; i < 500; ++i) {
    const RandomView view = draw_view(options, rng);
    (void)draw_view({}, other);
    EXPECT_EQ(Rng(rng).next_u64(), Rng(other).next_u64());
    EXPECT_GE(view.brightness, 0.6);
    EXPECT_LE(view.brightness, 1.4);
    EXPECT_LE(std::abs(view.hue), 0.3);
    if (!view.crops) continue;
    ++crops;
    const double area = view.width * view.height, ratio = view.width / view.height;
    EXPECT_GE(area, 0.15 - 1e-9);
    EXPECT_LE(area, 1.0);
    EXPECT_GE(ratio, 0.3 - 1e-9);
    EXPECT_LE(ratio, 3.3 + 1e-9);
    EXPECT_LE(std::max(view.width, view.height), 1.0);
  }
  EXPECT_GT(crops, 490);  // ten tries hardly ever all fail
}

TEST(RandomView, HueTurnsTheCircle) {
  const PlaneScale scale = {{0.5F, 0.5F, 0.5F}, {0.25F, 0.25F, 0.25F}};
  const auto plane = [](float v) { return (v - 0.5F) / 0.25F; };
  std::vector<float> red = {plane(1), plane(0.2F), plane(0.2F)};
  jitter({.hue = 1.0 / 3}, scale, red);  // red to green
  EXPECT_NEAR(red[0], plane(0.2F), 1e-5);
  EXPECT_NEAR(red[1], plane(1), 1e-5);
  EXPECT_NEAR(red[2], plane(0.2F), 1e-5);
  std::vector<float> orange = {plane(0.8F), plane(0.5F), plane(0.2F)};
  std::vector<float> back = orange;
  jitter({.hue = 0.25}, scale, back);
  EXPECT_GT(std::abs(back[0] - orange[0]), 0.1);
  jitter({.hue = -0.25}, scale, back);
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(back[c], orange[c], 1e-4);
  std::vector<float> grey = {plane(0.3F), plane(0.3F), plane(0.3F)};
  const std::vector<float> before = grey;
  jitter({.hue = 0.3}, scale, grey);
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(grey[c], before[c], 1e-5);
}

TEST(RandomView, BrightnessIsClampedToWhite) {
  std::vector<float> planes = {0.9F, 0.5F, 0.0F};
  jitter({.brightness = 1.4}, {}, planes);
  EXPECT_NEAR(planes[0], 1.0, 1e-6);
  EXPECT_NEAR(planes[1], 0.7, 1e-6);
  EXPECT_NEAR(planes[2], 0.0, 1e-6);
}

// torch.nn.functional.interpolate(mode="bilinear", align_corners=False) of the left half of a
// slope.
TEST(RandomView, CropIsBilinearWithHalfPixelCentres) {
  std::vector<float> planes = slope();
  crop({.crops = true, .width = 0.5, .height = 1}, kSide, planes);
  const double expected[] = {0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3};
  for (std::size_t x = 0; x < kSide; ++x) {
    EXPECT_NEAR(planes[x], expected[x] / kSide, 1e-6) << x;
    EXPECT_NEAR(planes[2 * kArea + 5 * kSide + x], expected[x] / kSide, 1e-6) << x;
  }
  planes = slope();
  crop({.crops = true, .width = 0.5, .height = 0.5, .x = 0.999, .y = 0.999}, kSide, planes);
  EXPECT_NEAR(planes[0], 4.0 / kSide, 1e-6);  // the right lower quarter
}

}  // namespace
}  // namespace mien::data
