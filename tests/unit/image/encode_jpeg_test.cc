#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::image {
namespace {

Image gradient(int width, int height) {
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      out.row(y)[3 * x] = static_cast<std::uint8_t>(255 * x / width);
      out.row(y)[3 * x + 1] = static_cast<std::uint8_t>(255 * y / height);
      out.row(y)[3 * x + 2] = 90;
    }
  }
  return out;
}

TEST(EncodeJpeg, ReadsBackNearlyTheSame) {
  const Image source = gradient(61, 37);
  const auto bytes = encode_jpeg(source, 95);
  MIEN_ASSERT_OK(bytes);
  EXPECT_EQ(sniff(*bytes), Format::kJpeg);
  const auto back = decode(*bytes);
  MIEN_ASSERT_OK(back);
  ASSERT_EQ(back->width(), 61);
  ASSERT_EQ(back->height(), 37);
  double sum = 0;
  for (std::size_t i = 0; i < source.pixels().size(); ++i) {
    sum += std::abs(int{source.pixels()[i]} - int{back->pixels()[i]});
  }
  EXPECT_LT(sum / static_cast<double>(source.pixels().size()), 3.0);
}

TEST(EncodeJpeg, LowerQualityIsSmallerAndTheSameEveryTime) {
  const Image source = gradient(160, 120);
  const auto low = encode_jpeg(source, 10);
  const auto high = encode_jpeg(source, 90);
  MIEN_ASSERT_OK(low);
  MIEN_ASSERT_OK(high);
  EXPECT_LT(low->size(), high->size());
  EXPECT_EQ(*encode_jpeg(source, 10), *low);
}

TEST(EncodeJpeg, RejectsEmptyPicturesAndBadQualities) {
  MIEN_EXPECT_CODE(encode_jpeg(ImageView{}, 80), StatusCode::kInvalidArgument);
  const Image one(1, 1);
  MIEN_EXPECT_CODE(encode_jpeg(one, 0), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(encode_jpeg(one, 101), StatusCode::kInvalidArgument);
  MIEN_ASSERT_OK(encode_jpeg(one, 100));
}

}  // namespace
}  // namespace mien::image
