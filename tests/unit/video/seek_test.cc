#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "clips.h"
#include "mien/core/rng.h"
#include "support/test_support.h"

namespace mien::video::test {
namespace {

using ::mien::test::TempDir;

// Each seek must give what sequential decoding gives, and continue from there.
void expect_exact(const std::filesystem::path& path, int seeks) {
  SCOPED_TRACE(path.filename().string());
  auto plain = open_file(path);
  MIEN_ASSERT_OK(plain);
  const Listing all = list_frames(**plain);
  MIEN_ASSERT_OK(all.status);
  ASSERT_FALSE(all.numbers.empty());
  auto source = open_file(path);
  MIEN_ASSERT_OK(source);
  Rng rng(11);
  const auto end = static_cast<std::uint64_t>(all.times_us.back() + 200'000);
  std::vector<std::int64_t> targets = {
      0, -5, all.times_us.back(), all.times_us.back() + 1, std::int64_t{1} << 60, 0};
  for (const auto time : all.times_us) targets.push_back(time);
  for (int i = 0; i < seeks; ++i) targets.push_back(static_cast<std::int64_t>(rng.below(end)));
  int nth = 0;
  for (const std::int64_t target : targets) {
    MIEN_ASSERT_OK((*source)->seek(target));
    const auto after = std::upper_bound(all.times_us.begin(), all.times_us.end(), target);
    const auto first =
        static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, after - all.times_us.begin() - 1));
    const std::size_t last = std::min(all.numbers.size(), first + 1 + (nth++ % 7 == 0 ? 12 : 1));
    for (std::size_t i = first; i < last; ++i) {
      auto frame = (*source)->next();
      MIEN_ASSERT_OK(frame);
      ASSERT_TRUE(frame->has_value()) << target << ' ' << i;
      ASSERT_EQ(number_of((**frame).image), all.numbers[i]) << target << ' ' << i;
      ASSERT_EQ((**frame).timestamp_us, all.times_us[i]) << target << ' ' << i;
      ASSERT_EQ((**frame).index, all.indices[i]) << target << ' ' << i;
    }
  }
  EXPECT_EQ((*source)->corrupt_frames(), 0);
  const auto times = (*source)->timestamps();
  MIEN_ASSERT_OK(times);
  EXPECT_EQ(*times, all.times_us);
  auto frame = (*source)->next();  // timestamps() goes back to the start
  MIEN_ASSERT_OK(frame);
  ASSERT_TRUE(frame->has_value());
  EXPECT_EQ((**frame).index, 0);
}

TEST(Seek, ExactInBFrameH264) {
  MIEN_NEEDS_FFMPEG();
  MIEN_NEEDS_ENCODER("libx264");
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "in.mp4", steady_times(120)));
  const std::string closed = "-g 12 -bf 3 -x264-params b-pyramid=normal ";
  const std::string open = "-g 12 -bf 3 -x264-params open-gop=1:b-pyramid=normal ";
  const std::string rare = "-g 1000 -bf 3 -sc_threshold 0 ";
  const std::string refresh = "-g 24 -x264-params intra-refresh=1 ";
  std::string command = "-i " + (dir / "in.mp4").string();
  std::vector<std::filesystem::path> paths;
  for (const std::string& how : {closed, open, rare, refresh}) {
    for (const std::string extension : {".mp4", ".mkv", ".ts"}) {
      paths.push_back(dir / name_of("h", static_cast<int>(paths.size()), extension));
      command += " -map 0 -c:v libx264 " + how + paths.back().string();
    }
  }
  ASSERT_TRUE(ffmpeg(command));
  for (const auto& path : paths) {
    expect_exact(path, 10);
    if (HasFatalFailure()) return;
  }
}

TEST(Seek, ExactWithVariableFrameRate) {
  const TempDir dir;
  Rng rng(3);
  std::vector<std::int64_t> times;
  std::int64_t time = 0;
  for (int i = 0; i < 150; ++i) {
    times.push_back(time);
    time += 1'000 + static_cast<std::int64_t>(rng.below(i % 10 == 0 ? 900'000 : 60'000));
  }
  MIEN_ASSERT_OK(write_numbered(dir / "vfr.mp4", times));
  expect_exact(dir / "vfr.mp4", 60);
}

TEST(Seek, ExactInOtherContainers) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "in.mp4", steady_times(60)));
  std::string command = "-i " + (dir / "in.mp4").string();
  std::vector<std::filesystem::path> paths;
  struct Case {
    const char* name;
    const char* encoder;
    const char* settings;
  };
  for (const Case& c :
       {Case{"a.avi", "mpeg4", "-q:v 3 -g 10"}, Case{"b.avi", "libx264", "-bf 2 -g 10"},
        Case{"a.mpg", "mpeg2video", "-q:v 3 -bf 2 -g 10"},
        Case{"a.webm", "libvpx-vp9", "-b:v 500k -cpu-used 8 -g 10"}, Case{"a.gif", "gif", ""},
        Case{"a.h264", "libx264", "-bf 2 -g 10"},
        Case{"a.mkv", "libx265", "-g 12 -x265-params log-level=-1:open-gop=1"}}) {
    if (!have_encoder(c.encoder)) continue;
    paths.push_back(dir / c.name);
    command +=
        std::string(" -map 0 -c:v ") + c.encoder + " " + c.settings + " " + paths.back().string();
  }
  ASSERT_TRUE(ffmpeg(command));
  for (const auto& path : paths) {
    expect_exact(path, 5);
    if (HasFatalFailure()) return;
  }
}

TEST(Seek, WorksBeforeTheFirstFrameAndAfterTheLast) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(30)));
  auto source = open_file(dir / "a.mp4");
  MIEN_ASSERT_OK(source);
  EXPECT_EQ(list_frames(**source).numbers.size(), 30U);
  MIEN_ASSERT_OK((*source)->seek(20 * 40'000 + 5));
  EXPECT_EQ(list_frames(**source).numbers.front(), 20);
  MIEN_ASSERT_OK((*source)->seek(0));
  EXPECT_EQ(list_frames(**source).numbers.size(), 30U);
}

TEST(Seek, MemoryAndThreads) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(200)));
  const auto bytes = bytes_of(dir / "a.mp4");
  OpenOptions options;
  options.threads = 3;
  auto source = open_memory(bytes, options);
  MIEN_ASSERT_OK(source);
  for (const int n : {150, 151, 155, 10, 199, 0, 60}) {
    MIEN_ASSERT_OK((*source)->seek(n * 40'000));
    auto frame = (*source)->next();
    MIEN_ASSERT_OK(frame);
    ASSERT_TRUE(frame->has_value());
    EXPECT_EQ(number_of((**frame).image), n);
    EXPECT_EQ((**frame).index, n);
  }
}

}  // namespace
}  // namespace mien::video::test
