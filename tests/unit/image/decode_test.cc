#include "mien/image/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "unit/image/image_test_support.h"

namespace mien::image {
namespace {

using namespace test;

class DecodeGolden : public testing::TestWithParam<Json> {};

TEST_P(DecodeGolden, EqualsReference) {
  const Json& item = GetParam();
  const auto image = load(mien::test::golden("image/decode/" + text_of(item, "file")));
  MIEN_ASSERT_OK(image);
  ASSERT_EQ(image->width(), int_of(item, "width"));
  ASSERT_EQ(image->height(), int_of(item, "height"));
  const ByteVector expected = golden_bytes("decode.bin");
  int worst = 0;
  for (std::size_t i = 0; i < image->pixels().size(); ++i) {
    const int want = std::to_integer<int>(expected[size_of(item, "at") + i]);
    worst = std::max(worst, std::abs(want - image->pixels()[i]));
  }
  EXPECT_LE(worst, int_of(item, "tolerance"));
}

std::string case_name(const testing::TestParamInfo<Json>& info) {
  std::string name = text_of(info.param, "file");
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Image, DecodeGolden, testing::ValuesIn(golden_cases("decode.json")),
                         case_name);

TEST(Decode, GoldenFilesCoverEveryKindOfPicture) {
  std::set<std::string> files;
  for (const Json& item : golden_cases("decode.json")) files.insert(text_of(item, "file"));
  for (const char* name : {"baseline.jpg",
                           "progressive.jpg",
                           "grey.jpg",
                           "cmyk_adobe.jpg",
                           "cmyk_plain.jpg",
                           "ycck.jpg",
                           "exif_1.jpg",
                           "exif_2.jpg",
                           "exif_3.jpg",
                           "exif_4.jpg",
                           "exif_5.jpg",
                           "exif_6.jpg",
                           "exif_7.jpg",
                           "exif_8.jpg",
                           "rgb16.png",
                           "grey16.png",
                           "palette_alpha.png",
                           "interlaced.png",
                           "interlaced_rgba.png",
                           "grey_alpha.png",
                           "colour_key.png",
                           "alpha.webp",
                           "exif_6.webp",
                           "top_down.bmp",
                           "rgb565.bmp",
                           "p2.pgm",
                           "p3.ppm",
                           "p5.pgm",
                           "deep.ppm"}) {
    EXPECT_TRUE(files.contains(name)) << name;
  }
}

TEST(Decode, SniffsBytesNotNames) {
  EXPECT_EQ(sniff(golden_bytes("decode/baseline.jpg")), Format::kJpeg);
  EXPECT_EQ(sniff(golden_bytes("decode/rgb8.png")), Format::kPng);
  EXPECT_EQ(sniff(golden_bytes("decode/lossy.webp")), Format::kWebp);
  EXPECT_EQ(sniff(golden_bytes("decode/core.bmp")), Format::kBmp);
  EXPECT_EQ(sniff(golden_bytes("decode/p6.ppm")), Format::kPpm);
  EXPECT_EQ(sniff(to_bytes("")), Format::kUnknown);
  EXPECT_EQ(sniff(to_bytes("BMW makes cars, and this is text")), Format::kUnknown);
  EXPECT_EQ(sniff(to_bytes("P6x")), Format::kUnknown);
  EXPECT_EQ(sniff(to_bytes("RIFF....WAVEfmt ")), Format::kUnknown);
  EXPECT_EQ(to_string(Format::kWebp), "webp");

  const mien::test::TempDir folder;
  const ByteVector png = golden_bytes("decode/rgb8.png");
  const std::string_view text(reinterpret_cast<const char*>(png.data()), png.size());
  MIEN_ASSERT_OK(write_file_atomically(folder / "wrong.jpg", text));
  MIEN_ASSERT_OK(load(folder / "wrong.jpg"));
}

TEST(Decode, OnePixelOfEachFormat) {
  const auto png = encode_png(numbered(1, 1));
  MIEN_ASSERT_OK(png);
  const std::vector<ByteVector> pictures{*png, to_bytes("P5 1 1 255\n\x80"),
                                         to_bytes("P3 1 1 255\n1 2 3")};
  for (const ByteVector& bytes : pictures) {
    const auto image = decode(bytes);
    MIEN_ASSERT_OK(image);
    EXPECT_EQ(image->width(), 1);
    EXPECT_EQ(image->height(), 1);
  }
  EXPECT_EQ(decode(pictures[2])->pixels(), (std::vector<std::uint8_t>{1, 2, 3}));
}

TEST(Decode, UsesTheLimitsOfTheCaller) {
  const ByteVector bytes = golden_bytes("decode/rgb8.png");  // 19x13
  Limits limits;
  limits.max_pixels = 19 * 13;
  limits.max_dimension = 19;
  MIEN_ASSERT_OK(decode(bytes, limits));
  limits.max_pixels -= 1;
  MIEN_EXPECT_CODE(decode(bytes, limits), StatusCode::kResourceLimit);
  limits.max_pixels += 1;
  limits.max_dimension -= 1;
  MIEN_EXPECT_CODE(decode(bytes, limits), StatusCode::kResourceLimit);
  limits.max_image_bytes = bytes.size() - 1;
  MIEN_EXPECT_CODE(load(mien::test::golden("image/decode/rgb8.png"), limits),
                   StatusCode::kResourceLimit);
}

TEST(Decode, ExtensionsOfPictures) {
  for (const char* name : {"a.jpg", "a.JPEG", "b/c.Png", "x.webp", "x.bmp", "x.ppm", "x.pgm"}) {
    EXPECT_TRUE(has_image_extension(name)) << name;
  }
  for (const char* name : {"a", "a.txt", "jpg", ".jpg", "a.jpg.txt", "a.mp4", ""}) {
    EXPECT_FALSE(has_image_extension(name)) << name;
  }
}

TEST(EncodePng, ReadsBackAsTheSamePixels) {
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 300}, {255, 3}, {64, 64}}) {
    const Image image = numbered(width, height);
    const auto png = encode_png(image);
    MIEN_ASSERT_OK(png);
    const auto again = decode(*png);
    MIEN_ASSERT_OK(again);
    EXPECT_EQ(again->width(), width);
    EXPECT_EQ(again->pixels(), image.pixels());
  }
}

TEST(EncodePng, KeepsTheStrideOfAView) {
  const Image image = numbered(20, 10);
  const ImageView part{image.row(2) + 3 * 5, 7, 4, image.view().stride};
  const auto again = decode(*encode_png(part));
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(again->pixels(), crop(image, {5, 2, 7, 4}).pixels());
}

TEST(EncodePng, EmptyPicture) {
  MIEN_EXPECT_CODE(encode_png(Image()), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::image
