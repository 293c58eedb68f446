#include "face/look.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace mien::face {
namespace {

/// Waves with a phase, brightened and darkened.
image::Image waves(float phase, float contrast = 100, float light = 128) {
  image::Image out(200, 160);
  for (int y = 0; y < out.height(); ++y) {
    for (int x = 0; x < out.width(); ++x) {
      const float v = std::sin(static_cast<float>(x) / 9 + phase) *
                      std::cos(static_cast<float>(y) / 11 + phase);
      std::fill_n(out.row(y) + 3 * x, 3,
                  static_cast<std::uint8_t>(std::clamp(light + contrast * v, 0.0F, 255.0F)));
    }
  }
  return out;
}

const image::Box kPlace{60, 40, 80, 80};

TEST(Look, SameAreaIsSimilarInAnyLight) {
  const auto look = look_of(waves(0), kPlace);
  EXPECT_NEAR(likeness(look, look), 1, 1e-5);
  EXPECT_GT(likeness(look, look_of(waves(0, 50, 90), kPlace)), 0.99F);
  EXPECT_GT(likeness(look, look_of(waves(0), {62, 41, 80, 80})), 0.9F);
}

TEST(Look, ToleratesJitteringBoxes) {
  const auto look = look_of(waves(0), kPlace);
  const image::Box jitter{54, 47, 94, 94};
  EXPECT_LT(likeness(look, look_of(waves(0), jitter)), 0.9F);
  EXPECT_GT(best_likeness(look, waves(0), jitter), 0.93F);
  EXPECT_LT(best_likeness(look, waves(1.6F), kPlace), 0.9F);
}

TEST(Look, OtherAreaIsNotSimilar) {
  const auto look = look_of(waves(0), kPlace);
  EXPECT_LT(likeness(look, look_of(waves(1.6F), kPlace)), 0.5F);
}

TEST(Look, FlatAreasAreNotSimilar) {
  const auto flat = look_of(waves(0, 1), kPlace);
  EXPECT_EQ(likeness(flat, flat), 0);
  EXPECT_EQ(likeness(look_of({}, kPlace), look_of(waves(0), kPlace)), 0);
  EXPECT_EQ(likeness({}, look_of(waves(0), kPlace)), 0);
}

TEST(Look, BoxesMayOverhangOrBeFarAway) {
  const image::Image picture = waves(0);
  EXPECT_EQ(look_of(picture, {-1e6F, 1e6F, 5, 5}).size(), 144U);
  EXPECT_EQ(look_of(picture, {-50, -50, 400, 400}).size(), 144U);
  EXPECT_EQ(thumbnail_of(image::Image(1, 1)).size(), 256U);
}

}  // namespace
}  // namespace mien::face
