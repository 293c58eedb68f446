#include "face/landmarks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "dlib_reference.h"
#include "face/dlib_reader.h"
#include "face/model_cache.h"
#include "mien/core/rng.h"
#include "model_bytes.h"
#include "support/test_support.h"

namespace mien::face {
namespace {

using test::ModelBytes;
using test::TinyModel;

std::string problem(const TinyModel& model) {
  return test::problem_of(LandmarkModel::parse(model.write().span(), "m.dat"));
}

TEST(DlibReader, ReadsIntegersAndReals) {
  ModelBytes bytes;
  const std::vector<std::int64_t> integers{0, 1, -1, 255, 256, -65536, 1LL << 40, INT64_MAX};
  for (const std::int64_t v : integers) bytes.integer(v);
  const std::vector<float> reals{0, 1, -1, 0.1F, -3e-20F, 1e20F, 3.4e38F, 1.5e-38F};
  for (const float v : reals) bytes.real(v);
  for (const std::size_t tail : {0U, 40U}) {  // with and without room for the fast path
    std::string padded = bytes.bytes + std::string(tail, '\0');
    DlibReader in(std::as_bytes(std::span(padded)));
    for (const std::int64_t v : integers) EXPECT_EQ(in.integer(), v);
    for (const float v : reals) EXPECT_EQ(in.real(), v);
    EXPECT_FALSE(in.failed());
    EXPECT_EQ(in.left(), tail);
  }
}

TEST(DlibReader, BrokenNumbersFailForGood) {
  for (const std::string& bytes : std::vector<std::string>{
           std::string(), std::string("\x00", 1), std::string("\x09", 1) + std::string(9, '\1'),
           std::string("\x02\x01"), std::string("3.14 "),
           std::string("\x08") + std::string(8, '\xFF')}) {
    DlibReader in(std::as_bytes(std::span(bytes)));
    EXPECT_EQ(in.integer(), 0);
    EXPECT_TRUE(in.failed());
    EXPECT_EQ(in.real(), 0.0F);
    EXPECT_EQ(in.left(), 0U);
  }
  for (const std::int64_t exponent : {32000, 32001, 32002, 120, -30000}) {  // inf, nan, overflow
    ModelBytes bytes;
    bytes.integer(1 << 24).integer(exponent).bytes += std::string(40, '\0');
    DlibReader in(bytes.span());
    EXPECT_EQ(in.real(), 0.0F);
    EXPECT_TRUE(in.failed()) << exponent;
  }
}

TEST(LandmarkModel, TinyModelFollowsItsSplit) {
  const auto model = LandmarkModel::parse(TinyModel().write().span(), "m.dat");
  MIEN_ASSERT_OK(model);
  EXPECT_EQ((*model)->point_count(), 2);
  image::Image picture(100, 100);
  const image::Box box{10, 20, 41, 41};
  auto points = (*model)->predict(picture, box);
  EXPECT_EQ(points[0], (image::Point{10, 40}));
  EXPECT_EQ(points[1], (image::Point{50, 40}));
  std::fill_n(picture.row(20) + 30, 3, std::uint8_t{200});  // the pixel at (10, 20)
  points = (*model)->predict(picture, box);
  EXPECT_EQ(points[0], (image::Point{20, 20}));
  // Everything outside the picture is black.
  EXPECT_EQ((*model)->predict(picture, {-500, -500, 41, 41})[0], (image::Point{-500, -480}));
  EXPECT_EQ((*model)->predict({}, {1e9F, 1e9F, 1e9F, 1e9F}).size(), 2U);
  EXPECT_THROW((*model)->predict(picture, {0, 0, 0, 5}), ContractError);
}

TEST(LandmarkModel, DamageIsNamed) {
  EXPECT_EQ(problem({}), "");
  EXPECT_EQ(problem({.version = 2}),
            "unsupported: m.dat: shape predictor has version 2 (expected 1)");
  EXPECT_THAT(problem({.splits = 2}), testing::HasSubstr("tree is not full"));
  EXPECT_THAT(problem({.splits = 0, .leaves = 1}), testing::HasSubstr("trees differ in depth"));
  EXPECT_THAT(problem({.leaves = 1}), testing::HasSubstr("wrong leaf count"));
  EXPECT_THAT(problem({.split_pixel = 2}), testing::HasSubstr("pixel that is not sampled"));
  EXPECT_THAT(problem({.split_pixel = -1}), testing::HasSubstr("split is broken"));
  EXPECT_THAT(problem({.anchor = 2}), testing::HasSubstr("anchor is not a point"));
  EXPECT_THAT(problem({.anchor = -1}), testing::HasSubstr("anchor is not a point"));
  EXPECT_THAT(problem({.deltas = 1}), testing::HasSubstr("deltas do not fit"));
  EXPECT_THAT(problem({.forests = 2}), testing::HasSubstr("corrupt: m.dat: "));
  ModelBytes longer = TinyModel().write();
  longer.bytes += 'x';
  EXPECT_THAT(test::problem_of(LandmarkModel::parse(longer.span(), "m.dat")),
              testing::HasSubstr("unknown data follows"));
}

TEST(LandmarkModel, TruncationAnywhereIsAnError) {
  const ModelBytes whole = TinyModel().write();
  for (std::size_t n = 0; n < whole.bytes.size(); ++n) {
    MIEN_EXPECT_CODE(LandmarkModel::parse(whole.span().first(n), "m.dat"), StatusCode::kCorrupt)
        << n;
  }
}

TEST(LandmarkModel, LyingCountsDoNotAllocate) {
  ModelBytes giant;
  giant.integer(1).integer(-(1LL << 40)).integer(-1);
  MIEN_EXPECT_CODE(LandmarkModel::parse(giant.span(), "m.dat"), StatusCode::kCorrupt);
  ModelBytes forests;
  forests.integer(1).column({0, 0}).integer(INT64_MAX).integer(1);
  MIEN_EXPECT_CODE(LandmarkModel::parse(forests.span(), "m.dat"), StatusCode::kCorrupt);
  ModelBytes trees;
  trees.integer(1).column({0, 0}).integer(1).integer(1LL << 50);
  MIEN_EXPECT_CODE(LandmarkModel::parse(trees.span(), "m.dat"), StatusCode::kCorrupt);
}

TEST(LandmarkModel, MissingFileIsNotFound) {
  MIEN_EXPECT_CODE(LandmarkModel::load("/nowhere/m.dat"), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(start_loading("/nowhere/m.dat"), StatusCode::kNotFound);
}

TEST(ModelCache, SharesModelsAndReportsABrokenOneOnUse) {
  const test::TempDir folder;
  const ModelBytes bytes = TinyModel().write();
  std::ofstream(folder / "m.dat", std::ios::binary) << bytes.bytes;
  std::ofstream(folder / "bad.dat", std::ios::binary) << bytes.bytes.substr(0, 30);
  const auto a = start_loading(folder / "m.dat");
  const auto b = start_loading(folder.path() / "." / "m.dat");
  MIEN_ASSERT_OK(a);
  MIEN_ASSERT_OK(b);
  EXPECT_EQ(a->get(), b->get());
  const auto model = (*a)->get();
  MIEN_ASSERT_OK(model);
  const auto bad = start_loading(folder / "bad.dat");
  MIEN_ASSERT_OK(bad);
  MIEN_EXPECT_CODE((*bad)->get(), StatusCode::kCorrupt);
}

TEST(LandmarkModel, SystemModelAgreesWithDlib) {
  const std::string path(kSystemLandmarkModel);
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "install libdlib-data";
  const auto model = LandmarkModel::load(path);
  MIEN_ASSERT_OK(model);
  ASSERT_EQ((*model)->point_count(), 68);
  const test::DlibReference reference(path);
  Rng rng(5);
  for (int round = 0; round < 12; ++round) {
    const int width = 200 + static_cast<int>(rng.below(500));
    const int height = 200 + static_cast<int>(rng.below(500));
    std::vector<std::uint8_t> grey(static_cast<std::size_t>(width * height));
    for (std::uint8_t& v : grey) v = static_cast<std::uint8_t>(rng.below(256));
    image::Image picture(width, height);
    for (std::size_t i = 0; i < grey.size(); ++i) {
      std::fill_n(picture.pixels().begin() + static_cast<std::ptrdiff_t>(3 * i), 3, grey[i]);
    }
    // Some boxes overhang; a giant one resolves positions to a fraction of a pixel.
    const auto side = static_cast<long>(round == 0 ? 500'000 : 40 + rng.below(400));
    const long left = static_cast<long>(rng.below(300)) - 60;
    const long top = static_cast<long>(rng.below(300)) - 60;
    const auto expected = reference.predict(grey, width, height, {left, top, side, side});
    const auto points =
        (*model)->predict(picture, {static_cast<float>(left), static_cast<float>(top),
                                    static_cast<float>(side), static_cast<float>(side)});
    for (std::size_t i = 0; i < 68; ++i) {
      // dlib rounds to whole pixels; one float carries 24 bits.
      const double slack = 0.5 + 1e-3 + (side > 100'000 ? 0.1 : 0);
      ASSERT_NEAR(points[i].x, static_cast<double>(expected[2 * i]), slack) << round << ' ' << i;
      ASSERT_NEAR(points[i].y, static_cast<double>(expected[2 * i + 1]), slack)
          << round << ' ' << i;
    }
  }
}

TEST(FivePoints, MarkEyesNoseAndMouth) {
  std::vector<image::Point> points(68);
  for (std::size_t i = 0; i < 68; ++i)
    points[i] = {static_cast<float>(i), static_cast<float>(2 * i)};
  const auto five = five_points(points);
  EXPECT_EQ(five[0], (image::Point{38.5F, 77}));
  EXPECT_EQ(five[1], (image::Point{44.5F, 89}));
  EXPECT_EQ(five[2], (image::Point{30, 60}));
  EXPECT_EQ(five[3], (image::Point{48, 96}));
  EXPECT_EQ(five[4], (image::Point{54, 108}));
  EXPECT_THROW(five_points(std::span(points).first(67)), ContractError);
}

}  // namespace
}  // namespace mien::face
