#include "mien/video/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "clips.h"
#include "support/test_support.h"

namespace mien::video::test {
namespace {

using ::mien::test::TempDir;

std::vector<int> counting(int n) {
  std::vector<int> out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

TEST(OpenFile, FramesTimesAndInfoOfAClip) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(60)));
  auto source = open_file(dir / "a.mp4");
  MIEN_ASSERT_OK(source);
  const ClipInfo& info = (*source)->info();
  EXPECT_EQ(info.width, kWidth);
  EXPECT_EQ(info.height, kHeight);
  EXPECT_NEAR(info.fps, 25.0, 1e-6);
  EXPECT_NEAR(info.seconds, 2.4, 0.001);
  EXPECT_EQ(info.frames, 60);
  EXPECT_FALSE(info.live);
  EXPECT_FALSE(info.has_audio);
  const Listing got = list_frames(**source);
  MIEN_ASSERT_OK(got.status);
  EXPECT_EQ(got.numbers, counting(60));
  EXPECT_EQ(got.times_us, steady_times(60));
  EXPECT_EQ(got.indices, std::vector<std::int64_t>(got.numbers.begin(), got.numbers.end()));
  EXPECT_EQ((*source)->corrupt_frames(), 0);
  // The end stays the end.
  const auto after = (*source)->next();
  MIEN_ASSERT_OK(after);
  EXPECT_FALSE(after->has_value());
}

TEST(OpenFile, VariableFrameRateKeepsTrueTimes) {
  const TempDir dir;
  const std::vector<std::int64_t> times = {0,       10'000,  90'000,    100'000,
                                           600'000, 601'000, 3'000'000, 3'033'333};
  MIEN_ASSERT_OK(write_numbered(dir / "vfr.mp4", times));
  auto source = open_file(dir / "vfr.mp4");
  MIEN_ASSERT_OK(source);
  const Listing got = list_frames(**source);
  EXPECT_EQ(got.numbers, counting(8));
  ASSERT_EQ(got.times_us.size(), times.size());
  for (std::size_t i = 0; i < times.size(); ++i)
    EXPECT_LE(std::abs(got.times_us[i] - times[i]), 12) << i;
}

TEST(OpenFile, OddNamesAreTakenLiterally) {
  const TempDir dir;
  for (const char* name :
       {"http:x.mp4", "concat:a|b.mp4", "frame%03d.png", "no_extension", "pipe:"}) {
    MIEN_ASSERT_OK(write_numbered(dir / name, steady_times(3)));
    auto source = open_file(dir / name);
    MIEN_ASSERT_OK(source) << name;
    EXPECT_EQ(list_frames(**source).numbers, counting(3)) << name;
  }
}

TEST(OpenFile, ThreadsDoNotChangeTheFrames) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(100)));
  for (const int threads : {0, 1, 3}) {
    OpenOptions options;
    options.threads = threads;
    auto source = open_file(dir / "a.mp4", options);
    MIEN_ASSERT_OK(source);
    const Listing got = list_frames(**source);
    EXPECT_EQ(got.numbers, counting(100)) << threads;
    EXPECT_EQ(got.times_us, steady_times(100)) << threads;
  }
}

TEST(OpenFile, EveryContainer) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(30)));
  const std::string in = "-i " + (dir / "a.mp4").string() + " ";
  struct Case {
    const char* name;
    const char* encoder;
    const char* settings;
  };
  const Case cases[] = {
      {"a.mkv", "libx264", "-bf 2"},
      {"a.mov", "mpeg4", "-q:v 3"},
      {"a.avi", "mpeg4", "-q:v 3"},
      {"b.avi", "libx264", "-bf 2"},
      {"a.ts", "libx264", "-bf 2"},
      {"a.mpg", "mpeg2video", "-q:v 3 -bf 2"},
      {"a.webm", "libvpx", "-b:v 500k"},
      {"b.webm", "libvpx-vp9", "-b:v 500k -cpu-used 8"},
      {"a.flv", "flv", "-q:v 3"},
      {"a.ogv", "libtheora", "-q:v 9"},
      {"a.gif", "gif", ""},
      {"a.apng", "apng", ""},
      {"a.wmv", "wmv2", "-q:v 3"},
      {"a.y4m", "wrapped_avframe", "-pix_fmt yuv420p"},
      {"a.h264", "libx264", "-bf 0"},
      {"a.hevc", "libx265", "-x265-params log-level=-1"},
      {"a.nut", "ffv1", ""},
      {"a.mjpeg", "mjpeg", "-q:v 3 -pix_fmt yuvj420p"},
      {"c.mkv", "libx265", "-x265-params log-level=-1"},
  };
  std::string command =
      in;  // one call for all, because starting the program takes longer than encoding
  for (const Case& c : cases) {
    if (!have_encoder(c.encoder)) continue;
    command +=
        std::string(" -map 0 -c:v ") + c.encoder + " " + c.settings + " " + (dir / c.name).string();
  }
  ASSERT_TRUE(ffmpeg(command));
  for (const Case& c : cases) {
    const auto path = dir / c.name;
    if (!std::filesystem::exists(path)) continue;
    auto source = open_file(path);
    MIEN_ASSERT_OK(source) << c.name;
    const Listing got = list_frames(**source);
    MIEN_ASSERT_OK(got.status) << c.name;
    EXPECT_EQ(got.numbers, counting(30)) << c.name;
    EXPECT_EQ((*source)->corrupt_frames(), 0) << c.name;
    ASSERT_EQ(got.times_us.size(), 30U) << c.name;
    for (int i = 0; i < 30; ++i) {
      EXPECT_NEAR(static_cast<double>(got.times_us[static_cast<std::size_t>(i)]), i * 40'000.0,
                  1'000)
          << c.name << ' ' << i;
    }
  }
}

TEST(OpenMemory, SameFramesAsTheFile) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(20)));
  const auto bytes = bytes_of(dir / "a.mp4");
  auto source = open_memory(bytes);
  MIEN_ASSERT_OK(source);
  EXPECT_EQ(list_frames(**source).numbers, counting(20));
}

// The top left corner of the stored picture is dark red; the others are white.
image::Image corner_picture() {
  image::Image out(96, 64);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 96; ++x) {
      const bool corner = x < 32 && y < 32;
      out.row(y)[3 * x] = corner ? 150 : 235;
      out.row(y)[3 * x + 1] = corner ? 0 : 235;
      out.row(y)[3 * x + 2] = corner ? 0 : 235;
    }
  }
  return out;
}

std::string dark_corner(const image::Image& picture) {
  const auto green = [&](int x, int y) { return picture.row(y)[3 * x + 1]; };
  const int right = picture.width() - 12;
  const int bottom = picture.height() - 12;
  std::string out;
  if (green(12, 12) < 100) out += "top left";
  if (green(right, 12) < 100) out += "top right";
  if (green(12, bottom) < 100) out += "bottom left";
  if (green(right, bottom) < 100) out += "bottom right";
  return out;
}

// Overwrites the 2x2 part of the first track's display matrix, in 16.16 fixed point.
void set_matrix(std::vector<std::byte>& mp4, const std::array<int, 4>& abcd) {
  const std::string text(reinterpret_cast<const char*>(mp4.data()), mp4.size());
  const std::size_t header = text.find("tkhd");
  ASSERT_NE(header, std::string::npos);
  ASSERT_EQ(mp4[header + 4], std::byte{0}) << "version of the track header";
  const std::array<std::size_t, 4> places = {44, 48, 56, 60};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto fixed = static_cast<std::uint32_t>(abcd[i] * 65536);
    for (std::size_t k = 0; k < 4; ++k) {
      mp4[header + places[i] + k] = static_cast<std::byte>(fixed >> (24 - 8 * k));
    }
  }
}

TEST(Rotation, DisplayMatrixTurnsFramesAndInfo) {
  const TempDir dir;
  WriterOptions writing;
  writing.width = 96;
  writing.height = 64;
  auto writer = open_writer(dir / "up.mp4", writing);
  MIEN_ASSERT_OK(writer);
  for (const auto time : steady_times(3)) MIEN_ASSERT_OK((*writer)->write(corner_picture(), time));
  MIEN_ASSERT_OK((*writer)->finish());
  auto bytes = bytes_of(dir / "up.mp4");
  struct Case {
    std::array<int, 4> abcd;  // x' = a x + c y, y' = b x + d y
    const char* corner;
    bool swapped;
  };
  for (const Case& c :
       {Case{{1, 0, 0, 1}, "top left", false},
        Case{{0, 1, -1, 0}, "top right", true},       // a phone held upright
        Case{{-1, 0, 0, -1}, "bottom right", false},  // upside down
        Case{{0, -1, 1, 0}, "bottom left", true},
        Case{{-1, 0, 0, 1}, "top right", false},  // mirrored, as front cameras do
        Case{{1, 0, 0, -1}, "bottom left", false}, Case{{0, 1, 1, 0}, "top left", true},
        Case{{0, 0, 0, 0}, "top left", false}}) {
    SCOPED_TRACE(c.corner);
    set_matrix(bytes, c.abcd);
    auto source = open_memory(bytes);
    MIEN_ASSERT_OK(source);
    EXPECT_EQ((*source)->info().width, c.swapped ? 64 : 96);
    EXPECT_EQ((*source)->info().height, c.swapped ? 96 : 64);
    auto frame = (*source)->next();
    MIEN_ASSERT_OK(frame);
    ASSERT_TRUE(frame->has_value());
    EXPECT_EQ((**frame).image.width(), c.swapped ? 64 : 96);
    EXPECT_EQ((**frame).image.height(), c.swapped ? 96 : 64);
    EXPECT_EQ(dark_corner((**frame).image), c.corner);
  }
}

TEST(PixelAspect, FramesHaveSquarePixels) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(3)));
  const std::string in = "-i " + (dir / "a.mp4").string() + " -c:v mpeg4 -vf setsar=";
  ASSERT_TRUE(ffmpeg(in + "2/1 " + (dir / "wide.mp4").string()));
  ASSERT_TRUE(ffmpeg(in + "1/2 " + (dir / "tall.mp4").string()));
  for (const auto& [name, width, height] :
       {std::tuple("wide.mp4", 2 * kWidth, kHeight), std::tuple("tall.mp4", kWidth, 2 * kHeight)}) {
    auto source = open_file(dir / name);
    MIEN_ASSERT_OK(source);
    EXPECT_EQ((*source)->info().width, width);
    EXPECT_EQ((*source)->info().height, height);
    auto frame = (*source)->next();
    MIEN_ASSERT_OK(frame);
    EXPECT_EQ((**frame).image.width(), width);
    EXPECT_EQ((**frame).image.height(), height);
    EXPECT_EQ(number_of((**frame).image), 0);
  }
}

struct Rgb {
  int r, g, b;
};

Rgb centre_of(const std::filesystem::path& path) {
  auto source = open_file(path);
  EXPECT_EQ(::mien::test::problem_of(source), "");
  if (!source.ok()) return {};
  auto frame = (*source)->next();
  EXPECT_EQ(::mien::test::problem_of(frame), "");
  if (!frame.ok() || !frame->has_value()) return {};
  const image::Image& picture = (**frame).image;
  const std::uint8_t* p = picture.row(picture.height() / 2) + 3 * (picture.width() / 2);
  return {p[0], p[1], p[2]};
}

TEST(Colour, EveryPixelFormatRangeAndMatrixGivesTheSameColour) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  const Rgb want{200, 60, 30};
  struct Case {
    const char* size;
    const char* filter;  // from exact RGB to the stored form
    const char* tags;
  };
  const Case cases[] = {
      {"64x48", "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p",
       "-colorspace smpte170m -color_range tv"},
      {"64x48", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
       "-colorspace bt709 -color_range tv"},
      {"64x48", "scale=out_color_matrix=bt709:out_range=pc,format=yuv420p",
       "-colorspace bt709 -color_range pc"},
      {"64x48", "scale=out_color_matrix=bt601:out_range=tv,format=yuv444p10le",
       "-colorspace smpte170m -color_range tv"},
      {"64x48", "scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le",
       "-colorspace bt2020nc -color_range tv"},
      {"64x48", "scale=out_color_matrix=bt601:out_range=tv,format=yuv422p",
       ""},  // not stated, small
      {"1280x720", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
       ""},                                                                       // not stated, HD
      {"63x47", "scale=out_color_matrix=bt601:out_range=tv,format=yuv444p", ""},  // odd size
      {"64x48", "format=gbrp", ""},
      {"64x48", "format=bgr0", ""},
  };
  std::string command = "-f lavfi -i color=0xC83C1E:s=64x48:d=0.12:r=25,format=rgb24";
  int i = 0;
  for (const Case& c : cases) {
    command += std::string(" -map 0 -vf scale=") + c.size + "," + c.filter + " -c:v ffv1 " +
               c.tags + " " + (dir / name_of("c", i++, ".mkv")).string();
  }
  ASSERT_TRUE(ffmpeg(command));
  i = 0;
  for (const Case& c : cases) {
    const auto path = dir / name_of("c", i++, ".mkv");
    const Rgb got = centre_of(path);
    EXPECT_NEAR(got.r, want.r, 3) << c.filter << c.tags;
    EXPECT_NEAR(got.g, want.g, 3) << c.filter << c.tags;
    EXPECT_NEAR(got.b, want.b, 3) << c.filter << c.tags;
  }
}

TEST(Colour, GreyAndTenBitH264) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  ASSERT_TRUE(ffmpeg("-f lavfi -i color=0x808080:s=64x48:d=0.2,format=gray -c:v ffv1 " +
                     (dir / "grey.mkv").string()));
  EXPECT_NEAR(centre_of(dir / "grey.mkv").g, 128, 2);
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(10)));
  MIEN_NEEDS_ENCODER("libx264");
  if (!ffmpeg("-i " + (dir / "a.mp4").string() + " -c:v libx264 -pix_fmt yuv420p10le " +
              (dir / "ten.mp4").string())) {
    GTEST_SKIP() << "this libx264 has no 10-bit mode";
  }
  auto source = open_file(dir / "ten.mp4");
  MIEN_ASSERT_OK(source);
  EXPECT_EQ(list_frames(**source).numbers, counting(10));
}

TEST(OddSizes, KeepEveryColumnAndRow) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  constexpr std::array<int, 7> kWidths = {1, 2, 15, 17, 31, 33, 127};
  std::string command = "-f lavfi -i color=white:s=130x130:d=0.1,format=yuv444p";
  for (const int width : kWidths) {
    const std::string side = std::to_string(width);
    command += " -map 0 -vf crop=" + side + ":" + side + " -c:v ffv1 " +
               (dir / name_of("odd", width, ".mkv")).string();
  }
  ASSERT_TRUE(ffmpeg(command));
  for (const int width : kWidths) {
    const auto path = dir / name_of("odd", width, ".mkv");
    auto source = open_file(path);
    MIEN_ASSERT_OK(source);
    auto frame = (*source)->next();
    MIEN_ASSERT_OK(frame);
    const image::Image& picture = (**frame).image;
    ASSERT_EQ(picture.width(), width);
    ASSERT_EQ(picture.height(), width);
    for (const std::uint8_t level : picture.pixels()) ASSERT_GE(level, 250) << width;
  }
}

TEST(SizeChange, FramesKeepTheirOwnSize) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(5)));
  MIEN_ASSERT_OK(write_numbered(dir / "b.mp4", steady_times(5), 256, 96));
  for (const std::string name : {"a", "b"}) {
    ASSERT_TRUE(ffmpeg("-i " + (dir / (name + ".mp4")).string() +
                       " -c:v mjpeg -q:v 2 -pix_fmt yuvj420p -f mjpeg " +
                       (dir / (name + ".mjpeg")).string()));
  }
  auto bytes = bytes_of(dir / "a.mjpeg");
  const auto more = bytes_of(dir / "b.mjpeg");
  bytes.insert(bytes.end(), more.begin(), more.end());
  auto source = open_memory(bytes);
  MIEN_ASSERT_OK(source);
  std::vector<int> widths;
  for (;;) {
    auto frame = (*source)->next();
    MIEN_ASSERT_OK(frame);
    if (!*frame) break;
    widths.push_back((**frame).image.width());
  }
  EXPECT_EQ(widths, (std::vector<int>{128, 128, 128, 128, 128, 256, 256, 256, 256, 256}));
}

TEST(Extension, KnownExtensionsInAnyCase) {
  EXPECT_TRUE(has_video_extension("a.mp4"));
  EXPECT_TRUE(has_video_extension("b/a.MOV"));
  EXPECT_TRUE(has_video_extension("a.webm"));
  EXPECT_FALSE(has_video_extension("a.jpg"));
  EXPECT_FALSE(has_video_extension("mp4"));
  EXPECT_FALSE(has_video_extension(""));
}

}  // namespace
}  // namespace mien::video::test
