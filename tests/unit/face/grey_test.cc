#include "face/grey.h"

#include <gtest/gtest.h>

#include "mien/core/check.h"

namespace mien::face {
namespace {

TEST(Grey, LumaKeepsGreyAndWeighsColours) {
  for (int v = 0; v < 256; ++v) {
    const auto level = static_cast<std::uint8_t>(v);
    const std::array<std::uint8_t, 3> pixel{level, level, level};
    EXPECT_EQ(luma(pixel.data()), level);
  }
  const std::array<std::uint8_t, 3> green{0, 255, 0};
  EXPECT_EQ(luma(green.data()), 150);
}

TEST(Grey, ResizeKeepsFlatPicturesAtAnySize) {
  Grey flat{7, 5, std::vector<std::uint8_t>(35, 201)};
  for (const auto& [w, h] : std::vector<std::pair<int, int>>{{1, 1}, {3, 2}, {14, 10}, {200, 1}}) {
    const Grey out = resize_grey(flat, w, h);
    ASSERT_EQ(out.pixels.size(), static_cast<std::size_t>(w * h));
    for (const std::uint8_t v : out.pixels) EXPECT_EQ(v, 201);
  }
  EXPECT_THROW(resize_grey(flat, 0, 1), ContractError);
}

TEST(Grey, DoublingInterpolatesBetweenPixelCentres) {
  const Grey two{2, 1, {0, 100}};
  EXPECT_EQ(resize_grey(two, 4, 1).pixels, (std::vector<std::uint8_t>{0, 25, 75, 100}));
  const Grey four{4, 1, {0, 0, 200, 200}};
  const Grey half = resize_grey(four, 2, 1);
  EXPECT_LT(half.pixels[0], 40);
  EXPECT_EQ(half.pixels[0] + half.pixels[1], 200);
}

TEST(Grey, PaddingRepeatsTheBorder) {
  const image::Image out = pad_to_rgb({2, 1, {10, 20}}, 2);
  ASSERT_EQ(out.width(), 6);
  ASSERT_EQ(out.height(), 5);
  EXPECT_EQ(out.row(0)[0], 10);
  EXPECT_EQ(out.row(4)[17], 20);
}

}  // namespace
}  // namespace mien::face
