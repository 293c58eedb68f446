#include "mien/face/aligner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "face/similarity.h"
#include "support/test_support.h"

namespace mien::face {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Red increases to the right, green downwards.
image::Image ramp(int width, int height) {
  image::Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      out.row(y)[3 * x] = static_cast<std::uint8_t>(x);
      out.row(y)[3 * x + 1] = static_cast<std::uint8_t>(y);
    }
  }
  return out;
}

/// The template's points in a square of side `size` at (x, y), rotated by quarter turns.
Face face_at(float x, float y, float size, bool turned = false) {
  const std::array<image::Point, 5> standard{image::Point{38.2946F, 51.6963F},
                                             {73.5318F, 51.5014F},
                                             {56.0252F, 71.7366F},
                                             {41.5493F, 92.3655F},
                                             {70.7299F, 92.2041F}};
  Face face;
  face.box = {x, y, size, size};
  face.landmarks5.emplace();
  for (std::size_t i = 0; i < 5; ++i) {
    const float u = standard[i].x / 112 * size;
    const float v = standard[i].y / 112 * size;
    // Landmarks are pixel indices: the centre of pixel 0 is at 0.
    (*face.landmarks5)[i] = turned ? image::Point{x + size - v - 0.5F, y + u - 0.5F}
                                   : image::Point{x + u - 0.5F, y + v - 0.5F};
  }
  return face;
}

TEST(Similarity, RecoversAKnownTransform) {
  const std::vector<float> from{0, 0, 1, 0, 0, 2, 5, 5};
  std::vector<float> to;
  for (std::size_t i = 0; i < from.size(); i += 2) {
    to.push_back(1.5F * from[i] + 2 * from[i + 1] + 7);
    to.push_back(-2 * from[i] + 1.5F * from[i + 1] - 3);
  }
  const Similarity fitted = fit_similarity(from, to);
  EXPECT_NEAR(fitted.a, 1.5, 1e-6);
  EXPECT_NEAR(fitted.b, -2, 1e-6);
  EXPECT_NEAR(fitted.tx, 7, 1e-5);
  EXPECT_NEAR(fitted.ty, -3, 1e-5);
}

TEST(Similarity, OnePointIsOnlyShifted) {
  const Similarity fitted = fit_similarity(std::vector<float>{2, 3}, std::vector<float>{5, 9});
  EXPECT_EQ(fitted.a, 1);
  EXPECT_EQ(fitted.tx, 3);
  EXPECT_EQ(fitted.ty, 6);
}

TEST(Aligner, TemplatePointsReproduceThePicture) {
  const image::Image picture = ramp(112, 112);
  const auto out =
      crop_face(picture, face_at(0, 0, 112), {.margin = 0, .align = true, .align_size = 112});
  MIEN_ASSERT_OK(out);
  ASSERT_EQ(out->width(), 112);
  for (int y = 1; y < 111; ++y) {
    for (int x = 1; x < 111; ++x) {
      ASSERT_NEAR(out->row(y)[3 * x], x, 1);
      ASSERT_NEAR(out->row(y)[3 * x + 1], y, 1);
    }
  }
}

TEST(Aligner, TurnsScalesAndKeepsTheMargin) {
  const image::Image picture = ramp(200, 200);
  const auto out = crop_face(picture, face_at(60, 50, 80, true),
                             {.margin = 0.25F, .align = true, .align_size = 60});
  MIEN_ASSERT_OK(out);
  // 80 pixels and a quarter of them on both sides become 60: two source pixels per target pixel. A
  // quarter turn: right in the crop is down in the picture.
  EXPECT_NEAR(out->row(30)[3 * 30], 60 + 80 - 40, 2);
  EXPECT_NEAR(out->row(30)[3 * 30 + 1], 50 + 40, 2);
  EXPECT_NEAR(out->row(30)[3 * 40 + 1] - out->row(30)[3 * 30 + 1], 20, 2);
  EXPECT_NEAR(out->row(40)[3 * 30] - out->row(30)[3 * 30], -20, 2);
}

TEST(Aligner, ShrinkingAveragesInsteadOfSkipping) {
  image::Image stripes(224, 224);
  for (int y = 0; y < 224; ++y) {
    for (int x = 0; x < 224; x += 2) stripes.row(y)[3 * x] = 200;
  }
  const auto out =
      crop_face(stripes, face_at(0, 0, 224), {.margin = 0, .align = true, .align_size = 28});
  MIEN_ASSERT_OK(out);
  for (int x = 2; x < 26; ++x) EXPECT_NEAR(out->row(14)[3 * x], 100, 15);
}

TEST(Aligner, UnusablePointsFallBackToTheBox) {
  Face face = face_at(10, 10, 20);
  for (image::Point& point : *face.landmarks5) point = {15, 15};
  const CropSpec spec{.margin = 0, .align = true, .align_size = 64};
  const auto same = crop_face(ramp(50, 50), face, spec);
  MIEN_ASSERT_OK(same);
  EXPECT_EQ(same->width(), 20);
  (*face.landmarks5)[2].x = kNan;
  const auto nan = crop_face(ramp(50, 50), face, spec);
  MIEN_ASSERT_OK(nan);
  EXPECT_EQ(nan->width(), 20);
  face.landmarks5.reset();
  EXPECT_EQ(crop_face(ramp(50, 50), face, spec)->width(), 20);
}

TEST(Crop, MarginSquareAndOverhang) {
  const image::Image picture = ramp(100, 100);
  Face face;
  face.box = {40, 50, 20, 10};
  const auto square = crop_face(picture, face, {.margin = 0.5F});
  MIEN_ASSERT_OK(square);
  EXPECT_EQ(square->width(), 40);
  EXPECT_EQ(square->height(), 40);
  EXPECT_EQ(square->row(0)[0], 30);
  EXPECT_EQ(square->row(0)[1], 35);
  const auto oblong = crop_face(picture, face, {.margin = 0, .square = false});
  MIEN_ASSERT_OK(oblong);
  EXPECT_EQ(oblong->height(), 10);
  face.box = {-10, -10, 20, 20};
  const auto corner = crop_face(picture, face, {.margin = 0});
  MIEN_ASSERT_OK(corner);
  EXPECT_EQ(corner->row(5)[15], 0);
  EXPECT_EQ(corner->row(15)[45], 5);
}

TEST(Crop, WholeFaceIsThePicture) {
  Face face;
  face.source = FaceSource::kWhole;
  face.box = {0, 0, 31, 17};
  const auto out = crop_face(ramp(31, 17), face, {});
  MIEN_ASSERT_OK(out);
  EXPECT_EQ(out->width(), 31);
  EXPECT_EQ(out->height(), 17);
  EXPECT_EQ(out->pixels(), ramp(31, 17).pixels());
}

TEST(Crop, EmptyNotFiniteAndGiantBoxesAreErrors) {
  const image::Image picture = ramp(30, 30);
  for (const image::Box box :
       {image::Box{0, 0, 0, 5}, image::Box{0, 0, 5, -1}, image::Box{kNan, 0, 5, 5},
        image::Box{0, 0, kNan, 5}, image::Box{0, 0, 1e30F, 1e30F}}) {
    Face face;
    face.box = box;
    MIEN_EXPECT_CODE(crop_face(picture, face, {}), StatusCode::kInvalidArgument);
  }
  Face face;
  face.box = {0, 0, 9000, 9000};
  MIEN_EXPECT_CODE(crop_face(picture, face, {}), StatusCode::kResourceLimit);
  face.box = {2e9F, 0, 10, 10};
  MIEN_EXPECT_CODE(crop_face(picture, face, {}), StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE(crop_face({}, face, {}), StatusCode::kInvalidArgument);
  face.box = {10, 10, 0.2F, 0.2F};
  EXPECT_EQ(crop_face(picture, face, {})->width(), 1);
}

TEST(CropSpec, JsonRoundTripAndDamage) {
  const CropSpec spec{.margin = 0.35F, .square = false, .align = true, .align_size = 112};
  const auto again = CropSpec::parse(spec.to_json(), "bundle.json");
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(*again, spec);
  for (const char* key : {"margin", "square", "align", "align_size"}) {
    Json json = spec.to_json();
    json.set(key, "x");
    MIEN_EXPECT_CODE(CropSpec::parse(json, "bundle.json"), StatusCode::kCorrupt) << key;
  }
  Json json = spec.to_json();
  json.set("extra", 1);
  MIEN_EXPECT_CODE(CropSpec::parse(json, "bundle.json"), StatusCode::kCorrupt);
  json = spec.to_json();
  json.set("margin", -0.1);
  MIEN_EXPECT_CODE(CropSpec::parse(json, "bundle.json"), StatusCode::kCorrupt);
  json = spec.to_json();
  json.set("align_size", 100000);
  MIEN_EXPECT_CODE(CropSpec::parse(json, "bundle.json"), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(CropSpec::parse(Json(), "bundle.json"), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace mien::face
