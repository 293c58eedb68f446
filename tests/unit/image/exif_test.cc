#include "image/exif.h"

#include <gtest/gtest.h>

#include "unit/image/image_test_support.h"

namespace mien::image {
namespace {

using namespace test;
using namespace std::string_view_literals;

// A TIFF structure with one entry before the orientation.
std::string little(char orientation) {
  std::string out("II*\0\x08\0\0\0\x02\0\x0F\x01\x02\0\x02\0\0\0aa\0\0\x12\x01\x03\0\x01\0\0\0"sv);
  return out + orientation + std::string("\0\0\0\0\0\0\0"sv);
}

std::string big(char orientation) {
  std::string out("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"sv);
  return out + orientation + std::string("\0\0\0\0\0\0"sv);
}

TEST(Exif, BothByteOrders) {
  for (char orientation = 1; orientation <= 8; ++orientation) {
    EXPECT_EQ(exif_orientation(to_bytes(little(orientation))), orientation);
    EXPECT_EQ(exif_orientation(to_bytes(big(orientation))), orientation);
    EXPECT_EQ(exif_orientation(to_bytes(std::string("Exif\0\0"sv) + big(orientation))),
              orientation);
  }
}

TEST(Exif, ValuesOutOfRangeAreUpright) {
  EXPECT_EQ(exif_orientation(to_bytes(little(0))), 1);
  EXPECT_EQ(exif_orientation(to_bytes(little(9))), 1);
}

TEST(Exif, EveryCutIsUpright) {
  const ByteVector whole = to_bytes(little(6));
  for (std::size_t size = 0; size < 32; ++size) {
    EXPECT_EQ(exif_orientation(Bytes(whole).first(size)), 1) << size;
  }
}

TEST(Exif, LyingOffsetsAndCounts) {
  std::string text = little(6);
  text.replace(4, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_EQ(exif_orientation(to_bytes(text)), 1);
  text = little(6);
  text.replace(8, 2, "\xFF\xFF");  // more entries than there are; the orientation comes first
  EXPECT_EQ(exif_orientation(to_bytes(text)), 6);
  text[24] = 0x07;  // type: undefined
  EXPECT_EQ(exif_orientation(to_bytes(text)), 1);
  EXPECT_EQ(exif_orientation(to_bytes("XX*\0\x08"sv)), 1);
}

TEST(Orient, AllEightOrientations) {
  const Image source = numbered(3, 2);
  const auto at = [](const Image& image, int x, int y) {
    return std::pair<int, int>(image.row(y)[3 * x], image.row(y)[3 * x + 1]);
  };
  // Where the stored top left and top right corners are in the upright picture (EXIF 2.3, 0x0112).
  const struct {
    int orientation, width, height, left_x, left_y, right_x, right_y;
  } cases[] = {{1, 3, 2, 0, 0, 2, 0}, {2, 3, 2, 2, 0, 0, 0}, {3, 3, 2, 2, 1, 0, 1},
               {4, 3, 2, 0, 1, 2, 1}, {5, 2, 3, 0, 0, 0, 2}, {6, 2, 3, 1, 0, 1, 2},
               {7, 2, 3, 1, 2, 1, 0}, {8, 2, 3, 0, 2, 0, 0}};
  for (const auto& c : cases) {
    const Image out = orient(source, c.orientation);
    EXPECT_EQ(out.width(), c.width);
    EXPECT_EQ(out.height(), c.height);
    EXPECT_EQ(at(out, c.left_x, c.left_y), at(source, 0, 0)) << c.orientation;
    EXPECT_EQ(at(out, c.right_x, c.right_y), at(source, 2, 0)) << c.orientation;
  }
}

}  // namespace
}  // namespace mien::image
