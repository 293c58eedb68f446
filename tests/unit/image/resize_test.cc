#include "image/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "image/resize_internal.h"
#include "mien/core/rng.h"
#include "unit/image/image_test_support.h"

namespace mien::image {
namespace {

using namespace test;

Filter filter_of(const std::string& name) {
  if (name == "nearest") return Filter::kNearest;
  return name == "bilinear" ? Filter::kBilinear : Filter::kBicubic;
}

Image random_picture(int width, int height, std::uint64_t seed) {
  Rng rng(seed);
  Image out(width, height);
  for (auto& v : out.pixels()) v = static_cast<std::uint8_t>(rng.below(256));
  return out;
}

TEST(ResizeU8, EqualsPillowOnEveryPixel) {
  const Image golden = golden_picture("resize_u8.png");  // grey: one value per pixel
  std::size_t at = 0;
  for (const Json& item : golden_cases("resize_u8.json")) {
    const Image source = golden_picture(text_of(item, "source"));
    const Image out = resize_u8(source, int_of(item, "width"), int_of(item, "height"),
                                filter_of(text_of(item, "filter")));
    std::size_t different = 0;
    for (const Json& row : item.find("rows")->as_array()) {
      const std::uint8_t* values = out.row(static_cast<int>(row.as_integer()));
      for (int i = 0; i < 3 * out.width(); ++i, ++at) {
        different += values[i] != golden.pixels()[3 * at] ? 1 : 0;
      }
    }
    EXPECT_EQ(different, 0U) << item.dump();
  }
}

TEST(ResizeU8, SameSizeIsACopy) {
  const Image source = random_picture(13, 7, 1);
  for (const Filter filter : {Filter::kNearest, Filter::kBilinear, Filter::kBicubic}) {
    EXPECT_EQ(resize_u8(source, 13, 7, filter).pixels(), source.pixels());
  }
}

TEST(ResizeU8, ConstantStaysConstant) {
  Image source(9, 5);
  for (auto& v : source.pixels()) v = 201;
  for (const Filter filter : {Filter::kNearest, Filter::kBilinear, Filter::kBicubic}) {
    for (const int side : {1, 2, 4, 9, 31}) {
      const Image out = resize_u8(source, side, 2 * side, filter);
      for (const auto v : out.pixels()) ASSERT_EQ(v, 201);
    }
  }
}

TEST(ResizeU8, WindowIsAPartOfTheWhole) {
  const Image source = random_picture(41, 29, 2);
  for (const Filter filter : {Filter::kNearest, Filter::kBilinear, Filter::kBicubic}) {
    for (const auto& [width, height] : {std::pair{17, 60}, {41, 12}, {90, 29}, {41, 29}}) {
      const Image whole = resize_u8(source, width, height, filter);
      const Window window{5, 3, 9, 7};
      const Image part = resize_u8_window(source, width, height, filter, window);
      EXPECT_EQ(part.pixels(), crop(whole, {5, 3, 9, 7}).pixels());
    }
  }
}

TEST(ResizeU8, ReadsNothingPastAView) {
  // A view that ends with its allocation, rows upside down: the sanitizers watch both ends.
  const Image source = random_picture(7, 6, 3);
  const ImageView flipped{source.row(5), 7, 6, -source.view().stride};
  const Image out = resize_u8(flipped, 5, 6, Filter::kBicubic);
  const Image upright = resize_u8(source, 5, 6, Filter::kBicubic);
  EXPECT_TRUE(std::equal(out.row(0), out.row(0) + 15, upright.row(5)));
}

TEST(ResizeU8, ExtremeShapes) {
  EXPECT_EQ(resize_u8(random_picture(1, 5000, 4), 1, 1, Filter::kBicubic).pixels().size(), 3U);
  EXPECT_EQ(resize_u8(random_picture(5000, 1, 5), 3, 40, Filter::kBilinear).height(), 40);
  EXPECT_EQ(resize_u8(random_picture(1, 1, 6), 500, 2, Filter::kNearest).width(), 500);
  EXPECT_THROW(resize_u8(Image(), 3, 3, Filter::kNearest), ContractError);
  EXPECT_THROW(resize_u8(random_picture(2, 2, 7), 0, 3, Filter::kBicubic), ContractError);
}

TEST(ResizeLoops, EveryInstructionSetGivesTheSameBits) {
  const ResizeLoops* fast = find_resize_loops_avx2();
  if (fast == nullptr) GTEST_SKIP() << "this machine has no AVX2";
  const Image source = random_picture(67, 31, 8);
  for (const Filter filter : {Filter::kBilinear, Filter::kBicubic}) {
    const auto taps = make_taps_u8(66, 23, 0, 23, filter);
    const std::uint8_t* in[2] = {source.row(4), source.row(9)};
    std::vector<std::uint8_t> a(2 * 69), b(2 * 69);
    std::uint8_t* to_a[2] = {a.data(), a.data() + 69};
    std::uint8_t* to_b[2] = {b.data(), b.data() + 69};
    kResizeLoopsGeneric.horizontal(in, taps, to_a);
    fast->horizontal(in, taps, to_b);
    EXPECT_EQ(a, b);
    const auto down = make_taps_u8(31, 9, 0, 9, filter);
    std::vector<std::uint8_t> c(201), d(201);
    for (std::size_t y = 0; y < 9; ++y) {
      const std::uint8_t* rows = source.row(down.first[y]);
      kResizeLoopsGeneric.vertical(rows, 201, down.count[y], down.row(y), c.size(), c.data());
      fast->vertical(rows, 201, down.count[y], down.row(y), d.size(), d.data());
      EXPECT_EQ(c, d);
    }
  }
}

TEST(ResizeF32, EqualsTorch) {
  const std::vector<float> blob = golden_floats("resize_f32.bin");
  for (const Json& item : golden_cases("resize_f32.json")) {
    FloatPlanes source{int_of(item, "channels"), int_of(item, "height"), int_of(item, "width"), {}};
    const auto size = static_cast<std::ptrdiff_t>(source.channels) * source.height * source.width;
    const auto from = blob.begin() + int_of(item, "source_at");
    source.values.assign(from, from + size);
    const FloatPlanes out =
        resize_f32(source, int_of(item, "to_width"), int_of(item, "to_height"),
                   filter_of(text_of(item, "filter")), item.find("antialias")->as_bool());
    float worst = 0;
    for (std::size_t i = 0; i < out.values.size(); ++i) {
      worst = std::max(worst, std::abs(out.values[i] - blob[size_of(item, "result_at") + i]));
    }
    EXPECT_LE(worst, 1e-5F) << item.dump();
  }
}

TEST(ResizeF32, OvershootsWithoutClamping) {
  FloatPlanes step{1, 1, 4, {0, 0, 1, 1}};
  const FloatPlanes out = resize_f32(step, 16, 1, Filter::kBicubic, false);
  EXPECT_LT(*std::min_element(out.values.begin(), out.values.end()), 0);
  EXPECT_GT(*std::max_element(out.values.begin(), out.values.end()), 1);
}

TEST(ResizeF32, WindowIsAPartOfTheWhole) {
  FloatPlanes source{2, 11, 9, std::vector<float>(2 * 11 * 9)};
  Rng rng(9);
  for (float& v : source.values) v = static_cast<float>(rng.normal());
  for (const bool antialias : {false, true}) {
    for (const Filter filter : {Filter::kNearest, Filter::kBilinear, Filter::kBicubic}) {
      const FloatPlanes whole = resize_f32(source, 20, 6, filter, antialias);
      const FloatPlanes part = resize_f32_window(source, 20, 6, filter, antialias, {4, 1, 7, 3});
      for (int c = 0; c < 2; ++c) {
        for (int y = 0; y < 3; ++y) {
          for (int x = 0; x < 7; ++x) {
            EXPECT_EQ(part.values[static_cast<std::size_t>((c * 3 + y) * 7 + x)],
                      whole.values[static_cast<std::size_t>((c * 6 + y + 1) * 20 + x + 4)]);
          }
        }
      }
    }
  }
}

TEST(ResizeF32, NanStaysLocal) {
  FloatPlanes source{1, 1, 8, {1, 1, 1, 1, 1, 1, 1, std::nanf("")}};
  const FloatPlanes out = resize_f32(source, 8, 3, Filter::kBilinear, true);
  EXPECT_EQ(out.values[0], 1);
  EXPECT_TRUE(std::isnan(out.values[7]));
}

}  // namespace
}  // namespace mien::image
