#include "mien/image/image.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unit/image/image_test_support.h"

namespace mien::image {
namespace {

using namespace test;

TEST(Iou, KnownValues) {
  EXPECT_FLOAT_EQ(iou({0, 0, 2, 2}, {0, 0, 2, 2}), 1);
  EXPECT_FLOAT_EQ(iou({0, 0, 2, 2}, {1, 0, 2, 2}), 1.0F / 3);
  EXPECT_FLOAT_EQ(iou({0, 0, 2, 2}, {2, 0, 2, 2}), 0);
  EXPECT_FLOAT_EQ(iou({0, 0, 4, 4}, {1, 1, 2, 2}), 0.25F);
  EXPECT_FLOAT_EQ(iou({-3, -3, 2, 2}, {5, 5, 2, 2}), 0);
}

TEST(Iou, DegenerateBoxes) {
  EXPECT_EQ(iou({}, {}), 0);
  EXPECT_EQ(iou({0, 0, -1, 5}, {0, 0, 5, 5}), 0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(iou({nan, 0, 1, 1}, {0, 0, 1, 1}), 0);
  EXPECT_EQ(iou({0, 0, nan, 1}, {0, 0, 1, 1}), 0);
}

TEST(Crop, InsideIsACopy) {
  const Image source = numbered(10, 8);
  const Image out = crop(source, {2, 3, 4, 5});
  ASSERT_EQ(out.width(), 4);
  ASSERT_EQ(out.height(), 5);
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 4; ++x) {
      EXPECT_EQ(out.row(y)[3 * x], x + 2);
      EXPECT_EQ(out.row(y)[3 * x + 1], y + 3);
    }
  }
}

TEST(Crop, OverhangIsBlack) {
  Image white(4, 4);
  for (auto& v : white.pixels()) v = 255;
  const Image out = crop(white, {-2, -1, 8, 6});
  ASSERT_EQ(out.width(), 8);
  ASSERT_EQ(out.height(), 6);
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 8; ++x) {
      const bool inside = x >= 2 && x < 6 && y >= 1 && y < 5;
      EXPECT_EQ(out.row(y)[3 * x], inside ? 255 : 0) << x << ' ' << y;
    }
  }
}

TEST(Crop, FullyOutsideIsBlack) {
  const Image out = crop(numbered(4, 4), {100, -100, 3, 2});
  ASSERT_EQ(out.width(), 3);
  EXPECT_EQ(out.pixels(), std::vector<std::uint8_t>(18, 0));
  EXPECT_EQ(crop(Image(), {0, 0, 2, 2}).pixels(), std::vector<std::uint8_t>(12, 0));
}

TEST(Crop, RoundsCorners) {
  const Image source = numbered(20, 20);
  const Image out = crop(source, {2.5F, 2.4F, 3.0F, 3.2F});  // 3..6 and 2..6
  EXPECT_EQ(out.width(), 3);
  EXPECT_EQ(out.height(), 4);
  EXPECT_EQ(out.row(0)[0], 3);
  EXPECT_EQ(out.row(0)[1], 2);
}

TEST(Crop, UnusableBoxesGiveAnEmptyPicture) {
  const Image source = numbered(4, 4);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float inf = std::numeric_limits<float>::infinity();
  for (const Box& box : {Box{0, 0, 0, 0}, Box{0, 0, -3, 3}, Box{nan, 0, 2, 2}, Box{0, 0, nan, 2},
                         Box{0, 0, inf, 2}, Box{-inf, 0, 2, 2}, Box{0, 0, 1e30F, 1e30F},
                         Box{1e30F, 0, 3, 3}, Box{0, 0, 16000, 16000}, Box{1, 1, 0.2F, 0.2F}}) {
    EXPECT_TRUE(crop(source, box).empty()) << box.x << ' ' << box.w;
  }
}

}  // namespace
}  // namespace mien::image
