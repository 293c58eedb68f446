// Interlaced and high dynamic range pictures.
#include <gtest/gtest.h>

#include <cstdlib>

#include "clips.h"
#include "core/file.h"
#include "support/test_support.h"
#include "video/deinterlace.h"
#include "video/tone_map.h"

namespace mien::video::test {
namespace {

using ::mien::test::TempDir;

constexpr int kSide = 64;

// A bright bar on dark ground; `left` is its left edge.
int level(int x, int left) { return x >= left && x < left + 16 ? 200 : 40; }

/// A Y4M clip of one frame; the two fields show the bar at different positions.
std::string y4m(const char* interlacing, int left_top, int left_bottom) {
  std::string out = "YUV4MPEG2 W64 H64 F25:1 " + std::string(interlacing) + " C420mpeg2\nFRAME\n";
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      out += static_cast<char>(level(x, y % 2 == 0 ? left_top : left_bottom));
    }
  }
  out.append(std::size_t{kSide} * kSide / 2, static_cast<char>(128));
  return out;
}

image::Image first_frame(const std::filesystem::path& path) {
  auto source = open_file(path);
  EXPECT_EQ(mien::test::problem_of(source), "");
  auto frame = (*source)->next();
  EXPECT_EQ(mien::test::problem_of(frame), "");
  return std::move((**frame).image);
}

// Mean difference between neighbouring rows.
double comb(const image::Image& picture) {
  double sum = 0;
  for (int y = 1; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      sum += std::abs(picture.row(y)[3 * x + 1] - picture.row(y - 1)[3 * x + 1]);
    }
  }
  return sum / (picture.height() - 1) / picture.width();
}

TEST(Deinterlace, MovingBarIsDecombed) {
  const TempDir dir;
  for (const char* order : {"It", "Ib"}) {
    SCOPED_TRACE(order);
    write_text(dir / "moving.y4m", y4m(order, 16, 24));
    const image::Image mended = first_frame(dir / "moving.y4m");
    EXPECT_LT(comb(mended), 1.0);
    // The bar is where the earlier field shows it.
    const int left = std::string(order) == "It" ? 16 : 24;
    const std::uint8_t* row = mended.row(32);
    EXPECT_GT(row[3 * (left + 2) + 1], 150);
    EXPECT_GT(row[3 * (left + 13) + 1], 150);
    EXPECT_LT(row[3 * (left - 3) + 1], 60);
    EXPECT_LT(row[3 * (left + 19) + 1], 60);
  }
  write_text(dir / "progressive.y4m", y4m("Ip", 16, 24));
  EXPECT_GT(comb(first_frame(dir / "progressive.y4m")), 20.0);  // as the file says
}

TEST(Deinterlace, StillPictureIsUnchanged) {
  const TempDir dir;
  write_text(dir / "still.y4m", y4m("It", 20, 20));
  write_text(dir / "progressive.y4m", y4m("Ip", 20, 20));
  EXPECT_EQ(first_frame(dir / "still.y4m").pixels(), first_frame(dir / "progressive.y4m").pixels());
}

FramePtr blank(AVPixelFormat format, int height) {
  FramePtr out = make_frame();
  out->format = format;
  out->width = kSide;
  out->height = height;
  EXPECT_GE(av_frame_get_buffer(out.get(), 0), 0);
  for (int p = 0; p < 3 && out->data[p] != nullptr; ++p) {
    const int rows = p == 0 ? height : (height + 1) / 2;
    std::fill_n(out->data[p], static_cast<std::ptrdiff_t>(out->linesize[p]) * rows, 50);
  }
  return out;
}

TEST(Deinterlace, ThinLineIsKept) {
  const FramePtr frame = blank(AV_PIX_FMT_YUV420P, 32);
  std::fill_n(frame->data[0] + 15 * frame->linesize[0], kSide, 220);
  const FramePtr mended = deinterlaced(*frame);
  ASSERT_NE(mended, nullptr);
  for (int y = 0; y < 32; ++y) {
    EXPECT_EQ(mended->data[0][y * mended->linesize[0] + 30], y == 15 ? 220 : 50) << y;
  }
}

TEST(Deinterlace, OddSizesAndOtherFormats) {
  for (const int height : {1, 2, 3, 5, 7}) {
    EXPECT_NE(deinterlaced(*blank(AV_PIX_FMT_YUV420P, height)), nullptr) << height;
    EXPECT_NE(deinterlaced(*blank(AV_PIX_FMT_YUV422P10LE, height)), nullptr) << height;
  }
  EXPECT_EQ(deinterlaced(*blank(AV_PIX_FMT_RGB24, 16)), nullptr);
  EXPECT_EQ(deinterlaced(*blank(AV_PIX_FMT_NV12, 16)), nullptr);
}

int shown(const ToneMap& map, double r, double g, double b, std::size_t channel) {
  const auto number = [](double v) { return static_cast<std::uint16_t>(v * 65535 + 0.5); };
  const std::array<std::uint16_t, 3> from = {number(r), number(g), number(b)};
  std::array<std::uint8_t, 3> to{};
  map.apply(from.data(), to.data(), 1);
  return to[channel];
}

TEST(ToneMapTest, Greys) {
  const ToneMap pq(HdrTransfer::kPq, HdrGamut::kBt2020);
  const ToneMap hlg(HdrTransfer::kHlg, HdrGamut::kBt2020);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(shown(pq, 0, 0, 0, c), 0);
    EXPECT_NEAR(shown(pq, 0.4404, 0.4404, 0.4404, c), 135, 2);  // 50 cd/m2: 255 (50/203)^(1/2.2)
    EXPECT_NEAR(shown(pq, 0.5807, 0.5807, 0.5807, c), 226, 2);  // reference white
    EXPECT_NEAR(shown(pq, 0.7518, 0.7518, 0.7518, c), 255, 1);  // 1000 cd/m2
    EXPECT_EQ(shown(pq, 1, 1, 1, c), 255);
    EXPECT_EQ(shown(hlg, 0, 0, 0, c), 0);
    EXPECT_NEAR(shown(hlg, 0.75, 0.75, 0.75, c), 226, 2);  // reference white
    EXPECT_NEAR(shown(hlg, 1, 1, 1, c), 255, 1);
  }
}

TEST(ToneMapTest, ColoursStayInOrderAndIncrease) {
  const ToneMap map(HdrTransfer::kHlg, HdrGamut::kBt2020);
  int before = -1;
  for (int i = 0; i <= 100; ++i) {
    const double v = i / 100.0;
    const int red = shown(map, v, 0.8 * v, 0.7 * v, 0);
    EXPECT_GE(red, before);
    before = red;
    EXPECT_GE(red, shown(map, v, 0.8 * v, 0.7 * v, 1));
    EXPECT_GE(shown(map, v, 0.8 * v, 0.7 * v, 1), shown(map, v, 0.8 * v, 0.7 * v, 2));
  }
}

TEST(HighDynamicRange, ClipLooksAsOnAnOrdinaryScreen) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  // 10-bit limited range: 203 cd/m2 is 64 + 876 * 0.5807 = 573 in PQ.
  const struct {
    const char* transfer;
    int luma;
    int expected;
  } cases[] = {{"smpte2084", 573, 226}, {"smpte2084", 450, 135}, {"arib-std-b67", 721, 226}};
  for (const auto& c : cases) {
    std::string raw;
    const auto put = [&raw](int value, int count) {
      for (int i = 0; i < count; ++i) {
        raw += static_cast<char>(value & 255);
        raw += static_cast<char>(value >> 8);
      }
    };
    put(c.luma, kSide * kSide);
    put(512, kSide * kSide / 2);
    write_text(dir / "raw.yuv", raw);
    ASSERT_TRUE(ffmpeg("-f rawvideo -pix_fmt yuv420p10le -s 64x64 -color_range tv -i " +
                       (dir / "raw.yuv").string() + " -c:v ffv1 -color_trc " + c.transfer +
                       " -color_primaries bt2020 -colorspace bt2020nc -color_range tv " +
                       (dir / "hdr.mkv").string()));
    const image::Image picture = first_frame(dir / "hdr.mkv");
    for (int i = 0; i < 3; ++i) EXPECT_NEAR(picture.row(30)[90 + i], c.expected, 3) << c.transfer;
  }
}

}  // namespace
}  // namespace mien::video::test
