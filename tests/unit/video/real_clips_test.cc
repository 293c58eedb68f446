#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include "clips.h"
#include "support/test_support.h"

namespace mien::video::test {
namespace {

using ::mien::test::TempDir;

TEST(RealClips, DecodeWholeAndSeekExactly) {
  const auto archive = ::mien::test::shared_data() / "videos.tar";
  if (::mien::test::shared_data().empty() || !std::filesystem::exists(archive)) {
    GTEST_SKIP() << "no shared data (videos.tar)";
  }
  const TempDir dir;
  const std::string command = "tar xf " + archive.string() + " -C " + dir.path().string() +
                              " --wildcards '*.mp4' '*.mov' >/dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0);
  int clips = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path())) {
    if (!entry.is_regular_file()) continue;
    SCOPED_TRACE(entry.path().filename().string());
    ++clips;
    auto source = open_file(entry.path());
    MIEN_ASSERT_OK(source);
    const ClipInfo info = (*source)->info();
    std::vector<std::int64_t> times;
    std::vector<std::uint8_t> sample;  // of one frame in the middle
    std::int64_t middle = -1;
    for (;;) {
      auto frame = (*source)->next();
      MIEN_ASSERT_OK(frame);
      if (!*frame) break;
      ASSERT_EQ((**frame).image.width(), info.width);
      ASSERT_EQ((**frame).image.height(), info.height);
      times.push_back((**frame).timestamp_us);
      if ((**frame).index == info.frames / 2) {
        middle = (**frame).timestamp_us;
        sample = (**frame).image.pixels();
      }
    }
    EXPECT_EQ((*source)->corrupt_frames(), 0);
    // An edit list may omit some.
    EXPECT_NEAR(static_cast<double>(times.size()), static_cast<double>(info.frames), 4.0);
    ASSERT_GE(middle, 0);
    MIEN_ASSERT_OK((*source)->seek(middle + 1));
    auto frame = (*source)->next();
    MIEN_ASSERT_OK(frame);
    EXPECT_EQ((**frame).timestamp_us, middle);
    EXPECT_EQ((**frame).image.pixels(), sample);
    const auto told = (*source)->timestamps();
    MIEN_ASSERT_OK(told);
    EXPECT_EQ(*told, times);
  }
  EXPECT_GT(clips, 0);
}

}  // namespace
}  // namespace mien::video::test
