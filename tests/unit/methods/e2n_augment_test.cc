#include "methods/e2n/augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace mien::methods {
namespace {

constexpr int kPictureSide = 12;
constexpr std::size_t kArea = kPictureSide * kPictureSide;

// Plane p holds 1000 p + place + 1.
std::vector<float> numbered(std::size_t planes) {
  std::vector<float> out(planes * kArea);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(1000 * (i / kArea) + i % kArea + 1);
  }
  return out;
}

TEST(E2nAugment, ShiftedPicturesHaveABlackBorder) {
  const std::vector<float> black = {-2, -3, -4};
  const E2nAugmentOptions options = {.pad = 2, .shift = 1, .flip = 0, .erase = 0};
  Rng rng(1);
  bool moved = false;
  for (int i = 0; i < 50; ++i) {
    std::vector<float> planes = numbered(3);
    augment_face(options, kPictureSide, black, planes, rng);
    // The middle is always inside; it shows how far the picture was moved.
    const int at = static_cast<int>(planes[6 * kPictureSide + 6]) - 1;
    const int dx = at % kPictureSide - 6, dy = at / kPictureSide - 6;
    EXPECT_LE(std::abs(dx), 2);
    EXPECT_LE(std::abs(dy), 2);
    moved = moved || dx != 0;
    for (int p = 0; p < 3; ++p) {
      for (int y = 0; y < kPictureSide; ++y) {
        for (int x = 0; x < kPictureSide; ++x) {
          const int u = x + dx, v = y + dy;
          const bool inside = u >= 0 && u < kPictureSide && v >= 0 && v < kPictureSide;
          const float want = inside ? static_cast<float>(1000 * p + v * kPictureSide + u + 1)
                                    : black[static_cast<std::size_t>(p)];
          ASSERT_EQ(planes[static_cast<std::size_t>((p * kPictureSide + y) * kPictureSide + x)],
                    want);
        }
      }
    }
  }
  EXPECT_TRUE(moved);
}

TEST(E2nAugment, FlipsRows) {
  std::vector<float> planes = numbered(1);
  Rng rng(1);
  augment_face({.pad = 0, .shift = 0, .flip = 1, .erase = 0}, kPictureSide, std::vector<float>{-2},
               planes, rng);
  EXPECT_EQ(planes[0], kPictureSide);
  EXPECT_EQ(planes[kPictureSide - 1], 1);
}

TEST(E2nAugment, ErasesOneRectangleOfAllPlanes) {
  Rng rng(7);
  for (int i = 0; i < 100; ++i) {
    std::vector<float> planes = numbered(3);
    augment_face({.pad = 0, .shift = 0, .flip = 0, .erase = 1}, kPictureSide,
                 std::vector<float>{-1, -1, -1}, planes, rng);
    const auto blank = std::count(planes.begin(), planes.begin() + kArea, 0.0F);
    EXPECT_GE(blank, 1);
    EXPECT_LE(blank, static_cast<std::ptrdiff_t>(kArea * 0.25 * 1.4));
    int top = kPictureSide, bottom = 0, left = kPictureSide, right = 0;
    for (int at = 0; at < static_cast<int>(kArea); ++at) {
      if (planes[static_cast<std::size_t>(at)] != 0) continue;
      top = std::min(top, at / kPictureSide);
      bottom = std::max(bottom, at / kPictureSide + 1);
      left = std::min(left, at % kPictureSide);
      right = std::max(right, at % kPictureSide + 1);
      EXPECT_EQ(planes[static_cast<std::size_t>(at) + kArea], 0);
      EXPECT_EQ(planes[static_cast<std::size_t>(at) + 2 * kArea], 0);
    }
    EXPECT_EQ(blank, (bottom - top) * (right - left));
  }
}

TEST(E2nAugment, NothingWhenNothingIsAskedFor) {
  std::vector<float> planes = numbered(1);
  Rng rng(1);
  augment_face({.pad = 4, .shift = 0, .flip = 0, .erase = 0}, kPictureSide, std::vector<float>{-2},
               planes, rng);
  EXPECT_EQ(planes, numbered(1));
}

}  // namespace
}  // namespace mien::methods
