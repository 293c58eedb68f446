#include "data/picture_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace mien::data {
namespace {

using testing::ElementsAreArray;

image::Image small_picture() {
  image::Image out(7, 5);
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 7; ++x) {
      std::uint8_t* pixel = out.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(30 * x + 5 * y + 10);
      pixel[1] = static_cast<std::uint8_t>(200 - 20 * x - 7 * y);
      pixel[2] = static_cast<std::uint8_t>((37 * x * y + 11) % 256);
    }
  }
  return out;
}

std::vector<int> reds(const image::Image& picture) {
  std::vector<int> out;
  for (std::size_t i = 0; i < picture.pixels().size(); i += 3) out.push_back(picture.pixels()[i]);
  return out;
}

std::vector<int> all(const image::Image& picture) {
  return {picture.pixels().begin(), picture.pixels().end()};
}

TEST(PictureView, DefaultsChangeNothing) {
  Rng rng(1);
  EXPECT_FALSE(PictureViewOptions{}.any());
  const PictureView view = draw_picture_view({}, 7, 5, rng);
  EXPECT_EQ(picture_view(view, small_picture(), 4).pixels(), small_picture().pixels());
}

// The numbers of the next four are those of Pillow 9.4.
TEST(PictureView, BrightnessIsPillows) {
  EXPECT_THAT(reds(picture_view({.brightness = 1.37}, small_picture(), 4)),
              ElementsAreArray({13,  54,  95,  137, 178, 219, 255, 20,  61,  102, 143, 184,
                                226, 255, 27,  68,  109, 150, 191, 232, 255, 34,  75,  116,
                                157, 198, 239, 255, 41,  82,  123, 164, 205, 246, 255}));
  EXPECT_THAT(
      reds(picture_view({.brightness = 0.53}, small_picture(), 4)),
      ElementsAreArray({5,  21, 37,  52, 68, 84, 100, 7,  23, 39,  55, 71, 87, 103, 10, 26, 42, 58,
                        74, 90, 105, 13, 29, 45, 60,  76, 92, 108, 15, 31, 47, 63,  79, 95, 111}));
}

TEST(PictureView, RotationIsPillowsWithBlackCorners) {
  EXPECT_THAT(reds(picture_view({.angle_deg = 20}, small_picture(), 4)),
              ElementsAreArray({0,   0,   100, 130, 160, 195, 0,   40,  40,  75, 105, 135,
                                170, 200, 15,  45,  80,  110, 140, 175, 205, 20, 50,  85,
                                115, 145, 180, 180, 0,   25,  60,  90,  120, 0,  0}));
}

TEST(PictureView, CropIsPillowsBilinear) {
  const PictureView view = {.left = 1, .top = 1, .width = 5, .height = 3};
  EXPECT_THAT(all(picture_view(view, small_picture(), 4)),
              ElementsAreArray({53, 168, 57,  88, 145, 100, 122, 121, 144, 158, 98, 187,
                                56, 164, 86,  91, 141, 156, 125, 117, 133, 161, 94, 137,
                                60, 158, 121, 95, 135, 184, 129, 111, 137, 165, 88, 101,
                                63, 154, 150, 98, 131, 173, 132, 107, 153, 168, 84, 90}));
}

TEST(PictureView, WithoutAFittingCropASquareOfTheShorterSideIsCut) {
  const PictureView view = {.scale_shorter = true, .x = 0.75, .y = 0.3, .flip = true};
  EXPECT_THAT(all(picture_view(view, small_picture(), 4)),
              ElementsAreArray({181, 85, 64,  144, 109, 52,  101, 138, 39,  58, 167, 26,
                                187, 77, 201, 150, 101, 137, 107, 130, 149, 64, 159, 93,
                                193, 69, 147, 156, 93,  114, 113, 122, 156, 70, 151, 160,
                                199, 61, 157, 162, 85,  152, 119, 114, 148, 76, 143, 120}));
}

TEST(PictureView, DrawsStayInRangeAndTakeTheSameNumbers) {
  PictureViewOptions options = PictureViewOptions::bright_crop_flip();
  options.rotate_deg = 4;
  Rng rng(3), other(3);
  int flips = 0, turned = 0, dark = 0;
  double least = 1;
  for (int i = 0; i < 2000; ++i) {
    const PictureView view = draw_picture_view(options, 100, 80, rng);
    (void)draw_picture_view({}, 7, 5, other);
    EXPECT_EQ(Rng(rng).next_u64(), Rng(other).next_u64());
    EXPECT_GE(view.brightness, 0.5);
    EXPECT_LE(view.brightness, 1.5);
    EXPECT_LE(std::abs(view.angle_deg), 4);
    ASSERT_GT(view.width, 0);
    EXPECT_GE(view.left, 0);
    EXPECT_LE(view.left + view.width, 100);
    EXPECT_GE(view.top, 0);
    EXPECT_LE(view.top + view.height, 80);
    const double ratio = static_cast<double>(view.width) / view.height;
    EXPECT_GT(ratio, 0.7);
    EXPECT_LT(ratio, 1.4);
    least = std::min(least, view.width * view.height / 8000.0);
    turned += ratio < 1 ? 1 : 0;
    flips += view.flip ? 1 : 0;
    dark += view.brightness < 1 ? 1 : 0;
  }
  EXPECT_NEAR(least, 0.08, 0.01);
  EXPECT_NEAR(flips, 1000, 120);
  EXPECT_NEAR(dark, 1000, 120);
  EXPECT_NEAR(turned, 1000, 200);
}

// Too wide for any ratio: ten tries fail.
TEST(PictureView, VeryThinPicturesAreScaled) {
  Rng rng(4);
  PictureViewOptions options = PictureViewOptions::bright_crop_flip();
  options.crop_area = 0.5;
  const PictureView view = draw_picture_view(options, 1000, 10, rng);
  EXPECT_TRUE(view.scale_shorter);
  EXPECT_EQ(view.width, 0);
  const image::Image out = picture_view(view, image::Image(1000, 10), 8);
  EXPECT_EQ(out.width(), 8);
  EXPECT_EQ(out.height(), 8);
}

}  // namespace
}  // namespace mien::data
