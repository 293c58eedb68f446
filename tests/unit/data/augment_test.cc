#include "data/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mien::data {
namespace {

std::vector<float> ramp(int side) {
  std::vector<float> out;
  for (int i = 0; i < 3 * side * side; ++i) out.push_back(static_cast<float>(i + 1));
  return out;
}

std::vector<float> applied(const Augmentation& a, int side, std::vector<float> planes) {
  Rng rng(1);
  augment(a, side, planes, rng);
  return planes;
}

TEST(Augment, NothingDrawnNothingChanged) {
  Rng rng(3);
  const AugmentOptions none;
  EXPECT_FALSE(none.any());
  EXPECT_EQ(applied(draw_augmentation(none, rng), 5, ramp(5)), ramp(5));
}

TEST(Augment, FlipMirrorsRows) {
  const auto out = applied({.flip = true}, 4, ramp(4));
  EXPECT_EQ((std::vector<float>(out.begin(), out.begin() + 4)), (std::vector<float>{4, 3, 2, 1}));
  EXPECT_EQ(applied({.flip = true}, 4, out), ramp(4));
}

TEST(Augment, QuarterTurnIsCounterClockwise) {
  for (const bool smooth : {false, true}) {
    const auto out = applied({.angle_deg = 90, .smooth = smooth}, 3, ramp(3));
    const std::vector<float> expected = {3, 6, 9, 2, 5, 8, 1, 4, 7};
    for (std::size_t i = 0; i < 9; ++i) EXPECT_NEAR(out[i], expected[i], 1e-4) << i;
  }
}

// What torchvision 0.14's rotate (its affine grid, nearest, fill 0) gives for 1..25 as 5 x 5.
TEST(Augment, TurnsByNearestNeighbourLikeTorchvision) {
  const std::vector<float> plain = ramp(5);
  const auto plane = [&](double angle) {
    const auto out = applied({.angle_deg = angle, .smooth = false}, 5, plain);
    return std::vector<float>(out.begin(), out.begin() + 25);
  };
  EXPECT_EQ(plane(6), std::vector<float>(plain.begin(), plain.begin() + 25));
  EXPECT_EQ(plane(30), (std::vector<float>{0,  3,  4,  10, 0,  2,  8,  8, 14, 15, 6,  12, 13,
                                           14, 20, 11, 12, 18, 18, 24, 0, 16, 22, 23, 0}));
  EXPECT_EQ(plane(-17), (std::vector<float>{6,  1,  2,  3,  4,  11, 7,  8,  9,  5,  16, 12, 13,
                                            14, 10, 21, 17, 18, 19, 15, 22, 23, 24, 25, 20}));
}

TEST(Augment, ShiftAndScale) {
  const auto right = applied({.shift_x = 0.25, .smooth = false}, 4, ramp(4));
  EXPECT_EQ((std::vector<float>(right.begin(), right.begin() + 4)),
            (std::vector<float>{0, 1, 2, 3}));
  const auto twice = applied({.scale = 2}, 4, std::vector<float>(48, 1.0F));
  EXPECT_TRUE(std::all_of(twice.begin(), twice.end(), [](float v) { return v == 1.0F; }));
  const auto half = applied({.scale = 0.5, .smooth = false}, 4, std::vector<float>(48, 1.0F));
  EXPECT_EQ(std::count(half.begin(), half.begin() + 16, 1.0F), 4);
}

TEST(Augment, ValuesAndErasing) {
  const auto out = applied({.contrast = 2, .brightness = 1}, 2, std::vector<float>(12, 3.0F));
  EXPECT_EQ(out, std::vector<float>(12, 7.0F));
  const auto erased = applied({.erase_x = 0.25, .erase_y = 0.5, .erase_w = 0.5, .erase_h = 0.25}, 4,
                              std::vector<float>(48, 1.0F));
  EXPECT_EQ(std::count(erased.begin(), erased.end(), 0.0F), 6);
  EXPECT_EQ(erased[9], 0.0F);
  EXPECT_EQ(erased[8], 1.0F);
}

TEST(Augment, DrawsWithinBoundsAndByTheSeed) {
  AugmentOptions all = AugmentOptions::tilt_and_flip();
  all.scale = 0.2;
  all.shift = 0.1;
  all.erase = 0.5;
  Rng a(9), b(9);
  int flips = 0, erased = 0;
  for (int i = 0; i < 2000; ++i) {
    const Augmentation x = draw_augmentation(all, a), y = draw_augmentation(all, b);
    EXPECT_EQ(x.angle_deg, y.angle_deg);
    EXPECT_LE(std::abs(x.angle_deg), 6);
    EXPECT_LE(std::abs(x.scale - 1), 0.2);
    EXPECT_LE(x.erase_x + x.erase_w, 1 + 1e-12);
    flips += x.flip ? 1 : 0;
    erased += x.erase_w > 0 ? 1 : 0;
  }
  EXPECT_NEAR(flips, 1000, 120);
  EXPECT_NEAR(erased, 1000, 120);
}

}  // namespace
}  // namespace mien::data
