// Large JPEGs decoded at a reduced size.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::image {
namespace {

class ReducedTest : public testing::Test {
 protected:
  std::filesystem::path write(const char* name, const std::vector<std::byte>& bytes) {
    const auto path = folder_ / name;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
    return path;
  }

  // Smooth, so that sizes can be compared by their means.
  static Image waves(int width, int height) {
    Image out(width, height);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < 3; ++c) {
          const double value = std::sin(0.02 * x + c) + std::cos(0.03 * y);
          out.row(y)[3 * x + c] = static_cast<std::uint8_t>(127.5 + 60 * value);
        }
      }
    }
    return out;
  }

  test::TempDir folder_;
};

TEST_F(ReducedTest, TakesTheSmallestThatIsEnough) {
  const auto jpeg = write("waves.jpg", *encode_jpeg(waves(640, 480).view(), 95));
  struct Case {
    Enough enough;
    int width;
  };
  for (const auto& [enough, width] :
       {Case{{}, 640}, Case{{.pixels = 1}, 80}, Case{{.pixels = 4801}, 160},
        Case{{.pixels = 4800}, 80}, Case{{.pixels = 1, .side = 100}, 160},
        Case{{.pixels = 1, .side = 121}, 320}, Case{{.pixels = 76801}, 640}}) {
    const auto reduced = load_reduced(jpeg, enough);
    MIEN_ASSERT_OK(reduced);
    EXPECT_EQ(reduced->image.width(), width);
    EXPECT_EQ(reduced->image.height(), width * 3 / 4);
    EXPECT_EQ(reduced->width, 640);
    EXPECT_EQ(reduced->height, 480);
  }
}

TEST_F(ReducedTest, AveragesPixels) {
  const Image whole = waves(640, 480);
  const auto reduced =
      load_reduced(write("waves.jpg", *encode_jpeg(whole.view(), 95)), {.pixels = 76800});
  MIEN_ASSERT_OK(reduced);
  ASSERT_EQ(reduced->image.width(), 320);
  for (int y = 0; y < 240; y += 7) {
    for (int x = 0; x < 320; x += 7) {
      const auto at = [&](int dx, int dy) { return int{whole.row(2 * y + dy)[3 * (2 * x + dx)]}; };
      const int mean = (at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1) + 2) / 4;
      EXPECT_NEAR(reduced->image.row(y)[3 * x], mean, 6) << x << ' ' << y;
    }
  }
}

TEST_F(ReducedTest, OtherFormatsAndDamageAreUnaffected) {
  const auto png =
      load_reduced(write("waves.png", *encode_png(waves(64, 48).view())), {.pixels = 1});
  MIEN_ASSERT_OK(png);
  EXPECT_EQ(png->image.width(), 64);
  EXPECT_EQ(png->width, 64);
  auto cut = *encode_jpeg(waves(640, 480).view(), 95);
  cut.resize(cut.size() / 2);
  const auto path = write("cut.jpg", cut);
  MIEN_EXPECT_CODE(load_reduced(path, {.pixels = 1}), StatusCode::kCorrupt);
  Limits limits;
  limits.max_pixels = 640 * 480 - 1;
  MIEN_EXPECT_CODE(load_reduced(write("waves.jpg", *encode_jpeg(waves(640, 480).view(), 95)),
                                {.pixels = 1}, limits),
                   StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::image
