#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "clips.h"
#include "mien/core/rng.h"
#include "support/test_support.h"

namespace mien::video::test {
namespace {

using ::mien::test::problem_of;
using ::mien::test::TempDir;
using ::testing::HasSubstr;

class Damage : public ::testing::Test {
 protected:
  void SetUp() override {
    MIEN_ASSERT_OK(write_numbered(dir_ / "good.mp4", steady_times(100)));
    good_ = bytes_of(dir_ / "good.mp4");
  }
  TempDir dir_;
  std::vector<std::byte> good_;
};

TEST_F(Damage, MissingFile) {
  MIEN_EXPECT_CODE(open_file(dir_ / "none.mp4"), StatusCode::kNotFound);
  EXPECT_THAT(problem_of(open_file(dir_ / "none.mp4")), HasSubstr("none.mp4"));
}

TEST_F(Damage, FolderGivenAsFile) {
  MIEN_EXPECT_CODE(open_file(dir_.path()), StatusCode::kInvalidArgument);
}

TEST_F(Damage, DeviceGivenAsFile) {
  MIEN_EXPECT_CODE(open_file("/dev/zero"), StatusCode::kInvalidArgument);
}

TEST_F(Damage, ZeroBytes) {
  write_text(dir_ / "zero.mp4", "");
  MIEN_EXPECT_CODE(open_file(dir_ / "zero.mp4"), StatusCode::kCorrupt);
  EXPECT_THAT(problem_of(open_file(dir_ / "zero.mp4")), HasSubstr("empty"));
  MIEN_EXPECT_CODE(open_memory({}), StatusCode::kCorrupt);
}

TEST_F(Damage, TextFile) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "This is not a clip, it is a letter.\n";
  write_text(dir_ / "letter.mp4", text);
  MIEN_EXPECT_CODE(open_file(dir_ / "letter.mp4"), StatusCode::kUnsupported);
  write_text(dir_ / "letter.txt", "short");
  MIEN_EXPECT_CODE(open_file(dir_ / "letter.txt"), StatusCode::kUnsupported);
}

TEST_F(Damage, RandomBytes) {
  Rng rng(5);
  std::vector<std::byte> noise(100'000);
  for (auto& byte : noise) byte = static_cast<std::byte>(rng.below(256));
  EXPECT_FALSE(open_memory(noise).ok());
}

TEST_F(Damage, AudioOnly) {
  MIEN_NEEDS_FFMPEG();
  const std::string tone = "-f lavfi -i sine=d=0.3 ";
  for (const char* name : {"a.m4a", "a.mkv", "a.wav", "a.flac"}) {
    ASSERT_TRUE(ffmpeg(tone + (dir_ / name).string())) << name;
    MIEN_EXPECT_CODE(open_file(dir_ / name), StatusCode::kUnsupported) << name;
    EXPECT_THAT(problem_of(open_file(dir_ / name)), HasSubstr("has no video stream")) << name;
  }
}

TEST_F(Damage, CoverPictureIsNotAVideo) {
  MIEN_NEEDS_FFMPEG();
  ASSERT_TRUE(ffmpeg("-f lavfi -i color=red:s=32x32 -frames:v 1 " + (dir_ / "c.png").string()));
  ASSERT_TRUE(ffmpeg("-f lavfi -i sine=d=0.3 -i " + (dir_ / "c.png").string() +
                     " -map 0 -map 1 -c:v copy -disposition:v:0 attached_pic " +
                     (dir_ / "cover.m4a").string()));
  EXPECT_THAT(problem_of(open_file(dir_ / "cover.m4a")), HasSubstr("has no video stream"));
}

TEST_F(Damage, UnknownCodec) {
  MIEN_NEEDS_FFMPEG();
  ASSERT_TRUE(ffmpeg("-i " + (dir_ / "good.mp4").string() + " -c:v mpeg4 -vtag FMP4 " +
                     (dir_ / "a.avi").string()));
  auto bytes = bytes_of(dir_ / "a.avi");
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  int patched = 0;
  for (auto at = text.find("FMP4"); at != std::string::npos; at = text.find("FMP4", at)) {
    text.replace(at, 4, "ZzQ9");
    ++patched;
  }
  ASSERT_GT(patched, 0);
  write_text(dir_ / "unknown.avi", text);
  MIEN_EXPECT_CODE(open_file(dir_ / "unknown.avi"), StatusCode::kUnsupported);
  EXPECT_THAT(problem_of(open_file(dir_ / "unknown.avi")), HasSubstr("decoder"));
}

TEST_F(Damage, CutInTheMiddleGivesTheFramesBefore) {
  // In our files the index comes first, so that the first half can be shown.
  auto bytes = good_;
  bytes.resize(bytes.size() * 6 / 10);
  auto source = open_memory(bytes);
  MIEN_ASSERT_OK(source);
  const Listing got = list_frames(**source);
  MIEN_EXPECT_CODE(got.status, StatusCode::kOk);
  EXPECT_GT(got.numbers.size(), 10U);
  EXPECT_LT(got.numbers.size(), 100U);
  MIEN_ASSERT_OK((*source)->seek(5 * 40'000));
  auto frame = (*source)->next();
  MIEN_ASSERT_OK(frame);
  EXPECT_EQ(number_of((**frame).image), 5);
}

TEST_F(Damage, CutInTheIndex) {
  for (const std::size_t size : {std::size_t{16}, std::size_t{40}, std::size_t{200}}) {
    auto bytes = good_;
    bytes.resize(size);
    EXPECT_FALSE(open_memory(bytes).ok()) << size;
  }
}

TEST_F(Damage, EveryLengthOfATruncatedFileIsHandled) {
  for (std::size_t size = 0; size < good_.size(); size += 311) {
    auto source = open_memory(std::span(good_).first(size));
    if (source.ok()) (void)list_frames(**source);
  }
}

TEST_F(Damage, GarbageInTheMiddleIsCountedAndSkipped) {
  MIEN_NEEDS_FFMPEG();
  for (const char* name : {"g.mp4", "g.mkv", "g.ts", "g.avi"}) {
    const std::string codec = std::string(name) == "g.avi" ? "mpeg4 -q:v 3" : "copy";
    ASSERT_TRUE(ffmpeg("-i " + (dir_ / "good.mp4").string() + " -c:v " + codec + " -g 10 " +
                       (dir_ / name).string()));
    auto bytes = bytes_of(dir_ / name);
    Rng rng(9);
    const std::size_t from = bytes.size() / 2;
    for (std::size_t i = from; i < from + bytes.size() / 20; ++i) {
      bytes[i] = static_cast<std::byte>(rng.below(256));
    }
    auto source = open_memory(bytes);
    MIEN_ASSERT_OK(source) << name;
    const Listing got = list_frames(**source);
    MIEN_EXPECT_CODE(got.status, StatusCode::kOk) << name;
    EXPECT_GT((*source)->corrupt_frames(), 0) << name;
    EXPECT_GT(got.numbers.size(), 20U) << name;
    EXPECT_TRUE(std::is_sorted(got.times_us.begin(), got.times_us.end())) << name;
    EXPECT_EQ(std::adjacent_find(got.times_us.begin(), got.times_us.end()), got.times_us.end());
    const auto counted = (*source)->corrupt_frames();
    MIEN_ASSERT_OK((*source)->seek(0));
    (void)list_frames(**source);
    EXPECT_EQ((*source)->corrupt_frames(), counted) << name << ": counted twice";
  }
}

TEST_F(Damage, NoGoodFrameAtAll) {
  // All picture data is noise; the index is intact.
  auto bytes = good_;
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto media = text.find("mdat");
  ASSERT_NE(media, std::string::npos);
  for (std::size_t i = media + 4; i < bytes.size(); ++i) bytes[i] = std::byte{0xFF};
  auto source = open_memory(bytes);
  MIEN_ASSERT_OK(source);
  const auto frame = (*source)->next();
  MIEN_EXPECT_CODE(frame, StatusCode::kCorrupt);
  EXPECT_THAT(problem_of(frame), HasSubstr("no frame could be decoded"));
  EXPECT_GT((*source)->corrupt_frames(), 0);
  MIEN_EXPECT_CODE((*source)->next(), StatusCode::kCorrupt);
}

TEST_F(Damage, PlaylistsAndReferencesNeverOpenOtherFiles) {
  const std::string target = (dir_ / "good.mp4").string();
  const std::string hls = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXTINF:4.0,\n" +
                          target + "\n#EXT-X-ENDLIST\n";
  const std::string concat = "ffconcat version 1.0\nfile '" + target + "'\n";
  const std::string dash =
      "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" "
      "mediaPresentationDuration=\"PT4S\" profiles=\"urn:mpeg:dash:profile:isoff-main:2011\">"
      "<Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\">"
      "<BaseURL>" +
      target + "</BaseURL></Representation></AdaptationSet></Period></MPD>";
  const std::string sdp =
      "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
      "a=rtpmap:96 H264/90000\n";
  for (const auto& [name, text] :
       {std::pair("hls.mp4", hls), std::pair("hls.m3u8", hls), std::pair("concat.mp4", concat),
        std::pair("x.ffconcat", concat), std::pair("dash.mp4", dash), std::pair("dash.mpd", dash),
        std::pair("s.sdp", sdp), std::pair("s.mp4", sdp)}) {
    write_text(dir_ / name, text);
    MIEN_EXPECT_CODE(open_file(dir_ / name), StatusCode::kUnsupported) << name;
  }
}

TEST_F(Damage, PixelAndDimensionLimits) {
  OpenOptions options;
  options.limits.max_pixels = kWidth * kHeight - 1;
  MIEN_EXPECT_CODE(open_file(dir_ / "good.mp4", options), StatusCode::kResourceLimit);
  options.limits = {};
  options.limits.max_dimension = kWidth - 1;
  MIEN_EXPECT_CODE(open_file(dir_ / "good.mp4", options), StatusCode::kResourceLimit);
  options.limits = {};
  options.limits.max_pixels = kWidth * kHeight;
  options.limits.max_dimension = kWidth;
  auto source = open_file(dir_ / "good.mp4", options);
  MIEN_ASSERT_OK(source);
  EXPECT_EQ(list_frames(**source).numbers.size(), 100U);
}

TEST_F(Damage, FrameAndSecondLimits) {
  OpenOptions options;
  options.limits.max_frames = 10;
  auto source = open_file(dir_ / "good.mp4", options);
  MIEN_ASSERT_OK(source);
  Listing got = list_frames(**source);
  EXPECT_EQ(got.numbers.size(), 10U);
  MIEN_EXPECT_CODE(got.status, StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE((*source)->next(), StatusCode::kResourceLimit);
  options.limits = {};
  options.limits.max_seconds = 1.0;
  source = open_file(dir_ / "good.mp4", options);
  MIEN_ASSERT_OK(source);
  got = list_frames(**source);
  EXPECT_EQ(got.numbers.size(), 26U);  // 0 .. 1.0 s
  MIEN_EXPECT_CODE(got.status, StatusCode::kResourceLimit);
}

TEST_F(Damage, LyingSizeInTheHeader) {
  // The sample entry claims 40000x40000; nothing of that size may be allocated.
  auto bytes = good_;
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto entry =
      std::min(text.find("avc1", text.find("stsd")), text.find("mp4v", text.find("stsd")));
  ASSERT_NE(entry, std::string::npos);
  const std::byte huge[] = {std::byte{0x9C}, std::byte{0x40}, std::byte{0x9C}, std::byte{0x40}};
  std::copy(std::begin(huge), std::end(huge),
            bytes.begin() + static_cast<std::ptrdiff_t>(entry) + 28);
  auto source = open_memory(bytes);
  if (source.ok()) {
    (void)list_frames(**source);
  } else {
    MIEN_EXPECT_CODE(source, StatusCode::kResourceLimit);
  }
}

TEST_F(Damage, CancelStopsReading) {
  std::atomic<bool> cancel = false;
  OpenOptions options;
  options.cancel = &cancel;
  cancel = true;
  MIEN_EXPECT_CODE(open_file(dir_ / "good.mp4", options), StatusCode::kCancelled);
}

TEST(Camera, MissingAndWrongDevices) {
  const TempDir dir;
  MIEN_EXPECT_CODE(open_camera("/dev/video-that-is-not-there"), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(open_camera("/dev/null"), StatusCode::kUnsupported);
  write_text(dir / "file", "x");
  MIEN_EXPECT_CODE(open_camera((dir / "file").string()), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace mien::video::test
