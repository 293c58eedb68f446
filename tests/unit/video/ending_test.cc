// Files that end before their header says they do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "clips.h"
#include "support/test_support.h"

namespace mien::video::test {
namespace {

using ::mien::test::TempDir;

TEST(CutShortTest, IsDetectedInEveryContainerThatStatesItsLength) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(60)));
  const auto to = [&](const char* name) {
    return std::string(" ").append((dir / name).string()).append(" ");
  };
  ASSERT_TRUE(ffmpeg("-i" + to("a.mp4") + "-map 0:v -c:v mpeg4 -q:v 3 -movflags +faststart" +
                     to("b.mp4") + "-map 0:v -c copy -movflags +frag_keyframe+empty_moov" +
                     to("fragments.mp4") + "-map 0:v -c:v mpeg4 -q:v 3" + to("b.mkv") +
                     "-map 0:v -c:v mpeg4 -q:v 3" + to("b.avi") + "-map 0:v -c:v flv -q:v 3" +
                     to("b.flv") + "-map 0:v -c:v wmv2 -q:v 3" + to("b.wmv") +
                     "-map 0:v -c:v apng" + to("b.apng")));
  for (const char* name :
       {"a.mp4", "b.mp4", "fragments.mp4", "b.mkv", "b.avi", "b.flv", "b.wmv", "b.apng"}) {
    SCOPED_TRACE(name);
    auto whole = open_file(dir / name);
    MIEN_ASSERT_OK(whole);
    ASSERT_EQ(list_frames(**whole).numbers.size(), 60U);
    EXPECT_FALSE((*whole)->cut_short().has_value());

    auto bytes = bytes_of(dir / name);
    bytes.resize(bytes.size() * 6 / 10);
    write_bytes(dir / "cut", bytes);
    auto cut = open_file(dir / "cut");
    MIEN_ASSERT_OK(cut);
    EXPECT_FALSE((*cut)->cut_short().has_value());  // not known before the end
    const Listing got = list_frames(**cut);
    MIEN_ASSERT_OK(got.status);
    ASSERT_TRUE((*cut)->cut_short().has_value());
    const CutShort told = *(*cut)->cut_short();
    EXPECT_EQ(told.frames, static_cast<std::int64_t>(got.numbers.size()));
    EXPECT_GE(told.frames, 3);
    EXPECT_LT(told.frames, 60);
    const bool known = std::string(name) != "fragments.mp4" && std::string(name) != "b.apng" &&
                       std::string(name) != "b.wmv";
    if (known) {
      EXPECT_NEAR(static_cast<double>(told.expected), 60, 2);
    }
  }
}

TEST(CutShortTest, ForeignBytesAtTheEndAreNotTruncation) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(10)));
  auto bytes = bytes_of(dir / "a.mp4");
  for (int i = 0; i < 100; ++i) bytes.push_back(std::byte{0x7A});
  write_bytes(dir / "a.mp4", bytes);
  auto source = open_file(dir / "a.mp4");
  MIEN_ASSERT_OK(source);
  EXPECT_EQ(list_frames(**source).numbers.size(), 10U);
  EXPECT_FALSE((*source)->cut_short().has_value());
}

TEST(CutShortTest, Text) {
  EXPECT_EQ(to_string(CutShort{38, 72}), "cut short: 38 of about 72 frames");
  EXPECT_EQ(to_string(CutShort{38, 0}), "cut short: the end is missing after 38 frames");
}

}  // namespace
}  // namespace mien::video::test
