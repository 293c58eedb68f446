// Times of frames compared with those of ffprobe, for many containers, offsets, edit lists and
// wraps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "clips.h"
#include "core/file.h"
#include "support/test_support.h"

namespace mien::video::test {
namespace {

using ::mien::test::problem_of;
using ::mien::test::TempDir;
using ::testing::HasSubstr;

/// Times of the first video stream according to ffprobe, in seconds.
struct Probe {
  double start = 0;  ///< of the whole file
  std::vector<double> times;
};

Probe probe(const std::filesystem::path& path) {
  const std::string out = path.string() + ".txt";
  const std::string command =
      "ffprobe -v quiet -select_streams v:0 -show_entries "
      "format=start_time:frame=best_effort_timestamp_time -of "
      "default=noprint_wrappers=1 " +
      path.string() + " >" + out + " 2>/dev/null";
  Probe result;
  if (std::system(command.c_str()) != 0) return result;
  std::istringstream lines(read_text_file(out, 1 << 20).value());
  for (std::string line; std::getline(lines, line);) {
    const std::string value = line.substr(line.find('=') + 1);
    if (line.starts_with("start_time=")) result.start = std::atof(value.c_str());
    if (line.starts_with("best_effort")) {
      result.times.push_back(value == "N/A" ? std::nan("") : std::atof(value.c_str()));
    }
  }
  return result;
}

class Times : public ::testing::Test {
 protected:
  static constexpr int kFrames = 30;

  static void SetUpTestSuite() {
    if (!have_ffmpeg()) return;
    dir_ = new TempDir;
    MIEN_ASSERT_OK(write_numbered(*dir_ / "a.mp4", steady_times(kFrames)));
    const std::string in = "-i " + (*dir_ / "a.mp4").string() + " ";
    const std::string tone = "-f lavfi -i sine=d=1.2 ";
    const auto to = [&](const char* name) {
      return std::string(" ").append((*dir_ / name).string()).append(" ");
    };
    const std::string x264 = " -map 0:v -map 1:a -c:v libx264 -preset ultrafast -bf 2 ";
    const std::string mpeg = " -map 0:v -map 1:a -q:v 3 -bf 2 ";
    ASSERT_TRUE(ffmpeg(in + tone + x264 + "-g 10 -c:a aac" + to("plain.mp4") + x264 +
                       "-c:a mp2 -output_ts_offset 3600" + to("late.mkv") + x264 + "-c:a mp2" +
                       to("plain.ts") + x264 + "-c:a mp2 -output_ts_offset 95443" + to("wrap.ts") +
                       mpeg + "-c:v mpeg4 -c:a mp2" + to("b.avi") + x264 + "-c:a mp2" +
                       to("b264.avi") + mpeg + "-c:v mpeg2video -c:a mp2 -r 25" + to("plain.mpg") +
                       x264 + "-c:a mp3 -ar 44100" + to("plain.flv") +
                       " -map 0:v -map 1:a -c:v wmv2 -q:v 3 -c:a wmav2" + to("plain.wmv") +
                       " -map 0:v -c:v libx264 -preset ultrafast -bf 2 -enc_time_base 1:1000 -vf "
                       "'setpts=PTS+gte(N\\,12)*10/TB' -fps_mode vfr" +
                       to("gap.mkv") + " -map 0:v -c:v gif" + to("a.gif")));
    const std::string plain = "-i " + (*dir_ / "plain.mp4").string() + " ";
    ASSERT_TRUE(ffmpeg("-itsoffset 0.5 " + plain + plain + "-map 0:v -map 1:a -c copy" +
                       to("offset.mp4") + "-map 0:v -map 1:a -c copy" + to("offset.mkv")));
    ASSERT_TRUE(ffmpeg("-ss 0.3 " + plain + "-c copy" + to("edited.mov")));
    if (have_encoder("libvpx-vp9") && have_encoder("libopus")) {
      ASSERT_TRUE(ffmpeg(in + tone +
                         "-map 0:v -map 1:a -c:v libvpx-vp9 -cpu-used 8 -deadline "
                         "realtime -c:a libopus" +
                         to("opus.webm")));
    }
    auto bytes = bytes_of(*dir_ / "plain.ts");
    const auto again = bytes;
    bytes.insert(bytes.end(), again.begin(), again.end());
    write_bytes(*dir_ / "joined.ts", bytes);
  }
  static void TearDownTestSuite() {
    delete dir_;
    dir_ = nullptr;
  }
  void SetUp() override { MIEN_NEEDS_FFMPEG(); }

  static Listing list(const char* name) {
    auto source = open_file(*dir_ / name);
    EXPECT_EQ(problem_of(source), "") << name;
    if (!source.ok()) return {};
    Listing out = list_frames(**source);
    EXPECT_EQ(problem_of(out.status), "");
    // A table of times equals the times of decoding.
    const auto times = (*source)->timestamps();
    EXPECT_EQ(problem_of(times), "");
    if (times.ok()) {
      EXPECT_EQ(*times, out.times_us) << name;
    }
    return out;
  }

  static TempDir* dir_;
};
TempDir* Times::dir_ = nullptr;

TEST_F(Times, AgreeWithFfprobe) {
  for (const char* name :
       {"plain.mp4", "late.mkv", "plain.ts", "plain.mpg", "plain.flv", "plain.wmv", "gap.mkv",
        "a.gif", "offset.mp4", "offset.mkv", "edited.mov", "opus.webm", "wrap.ts"}) {
    SCOPED_TRACE(name);
    if (!std::filesystem::exists(*dir_ / name)) continue;
    const Probe expected = probe(*dir_ / name);
    const Listing got = list(name);
    ASSERT_EQ(got.times_us.size(), expected.times.size());
    ASSERT_GE(got.times_us.size(), 20U);
    const double start = std::max(0.0, expected.start);
    for (std::size_t i = 0; i < got.times_us.size(); ++i) {
      if (std::isnan(expected.times[i])) continue;  // ffprobe does not know them either
      const double time = expected.times[i] - start;
      EXPECT_NEAR(static_cast<double>(got.times_us[i]) / 1e6, time, 2e-6) << i;
    }
  }
}

TEST_F(Times, StartWhereThePlayerShowsThem) {
  const struct {
    const char* name;
    double start;
    double seconds;
    double offset;
  } cases[] = {{"plain.mp4", 0, 1.2, 0},
               {"offset.mp4", 0.5, 1.2, 0},
               {"offset.mkv", 0.5, 1.2, 0},
               {"late.mkv", 0, 1.2, 3600},
               {"gap.mkv", 0, 11.2, 0}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    auto source = open_file(*dir_ / c.name);
    MIEN_ASSERT_OK(source);
    EXPECT_NEAR((*source)->info().start, c.start, 0.03);
    EXPECT_NEAR((*source)->info().seconds, c.seconds, 0.05);
    EXPECT_NEAR((*source)->info().offset, c.offset, 0.03);
    Covered covered;
    for (;;) {
      auto frame = (*source)->next();
      MIEN_ASSERT_OK(frame);
      if (!*frame) break;
      covered.add(**frame);
    }
    EXPECT_NEAR(covered.start(), c.start, 0.03);
    EXPECT_NEAR(covered.seconds(), c.seconds, 0.002);
  }
}

// ffprobe is late by the pictures that the decoder holds back; slot n belongs to picture n.
TEST_F(Times, OfAviWithReorderedPictures) {
  for (const char* name : {"b.avi", "b264.avi"}) {
    SCOPED_TRACE(name);
    const Listing got = list(name);
    ASSERT_EQ(got.times_us.size(), std::size_t{kFrames});
    for (int i = 0; i < kFrames; ++i) {
      EXPECT_EQ(got.numbers[static_cast<std::size_t>(i)], i);
      EXPECT_NEAR(static_cast<double>(got.times_us[static_cast<std::size_t>(i)]), i * 4e4, 1) << i;
    }
  }
}

// The container considers the last packet before a join incomplete; its frame is left out.
TEST_F(Times, ContinueWhereClipsWereJoined) {
  auto source = open_file(*dir_ / "joined.ts");
  MIEN_ASSERT_OK(source);
  const Listing got = list_frames(**source);
  MIEN_ASSERT_OK(got.status);
  ASSERT_GE(got.times_us.size(), 2U * kFrames - 1);
  ASSERT_EQ(got.times_us.size() + static_cast<std::size_t>((*source)->corrupt_frames()),
            2U * kFrames);
  int joined = 0;  // frames before the join
  for (std::size_t i = 0; i < got.times_us.size(); ++i) {
    if (i > 0 && got.numbers[i] < got.numbers[i - 1]) joined = kFrames;
    const double expected = (joined + got.numbers[i]) * 4e4;
    EXPECT_NEAR(static_cast<double>(got.times_us[i] - got.times_us[0]), expected, 100) << i;
  }
  EXPECT_EQ(joined, kFrames);
  EXPECT_EQ(got.numbers.back(), kFrames - 1);
}

TEST_F(Times, SeekingKeepsTimes) {
  for (const char* name : {"offset.mp4", "late.mkv", "b.avi", "wrap.ts", "gap.mkv"}) {
    SCOPED_TRACE(name);
    const Listing all = list(name);
    auto source = open_file(*dir_ / name);
    MIEN_ASSERT_OK(source);
    for (const std::size_t place : {std::size_t{17}, std::size_t{5}, all.times_us.size() - 1}) {
      MIEN_ASSERT_OK((*source)->seek(all.times_us[place] + 500));
      auto frame = (*source)->next();
      MIEN_ASSERT_OK(frame);
      ASSERT_TRUE(frame->has_value());
      EXPECT_EQ((**frame).timestamp_us, all.times_us[place]);
      EXPECT_EQ(number_of((**frame).image), all.numbers[place]);
      EXPECT_EQ((**frame).index, static_cast<std::int64_t>(place));
    }
  }
}

TEST_F(Times, OfAPartEqualThoseOfTheWhole) {
  for (const char* name : {"plain.mp4", "offset.mp4", "late.mkv", "b.avi"}) {
    SCOPED_TRACE(name);
    const Listing all = list(name);
    auto whole = open_file(*dir_ / name);
    MIEN_ASSERT_OK(whole);
    auto part = limit_to(std::move(*whole), "part",
                         {.from_us = all.times_us[7], .to_us = all.times_us[20]});
    const Listing got = list_frames(*part);
    MIEN_ASSERT_OK(got.status);
    ASSERT_EQ(got.times_us.size(), 13U);
    EXPECT_FALSE(part->cut_short().has_value());
    for (std::size_t i = 0; i < 13; ++i) {
      EXPECT_EQ(got.times_us[i], all.times_us[7 + i]);
      EXPECT_EQ(got.numbers[i], all.numbers[7 + i]);
      EXPECT_EQ(got.indices[i], static_cast<std::int64_t>(7 + i));
    }
    EXPECT_NEAR(part->info().start, static_cast<double>(all.times_us[7]) / 1e6, 1e-6);
    EXPECT_NEAR(part->info().seconds, 13 * 0.04, 0.01);
  }
}

TEST_F(Times, APartWithoutFramesIsAnError) {
  auto late = limit_to(std::move(open_file(*dir_ / "plain.mp4")).value(), "plain.mp4",
                       {.from_us = 60'000'000});
  EXPECT_THAT(problem_of(late->next()),
              HasSubstr("plain.mp4: has no frames in the requested time"));
  auto early = limit_to(std::move(open_file(*dir_ / "offset.mp4")).value(), "offset.mp4",
                        {.to_us = 400'000});
  EXPECT_THAT(problem_of(early->next()), HasSubstr("expected an end after 0.500 s"));
}

TEST_F(Times, UnwantedFramesHaveNoPixels) {
  auto source = open_file(*dir_ / "plain.mp4");
  MIEN_ASSERT_OK(source);
  std::vector<std::int64_t> asked;
  for (int i = 0; i < kFrames; ++i) {
    auto frame = (*source)->next_if([&](const Frame& next) {
      asked.push_back(next.index);
      return next.index % 5 == 0;
    });
    MIEN_ASSERT_OK(frame);
    ASSERT_TRUE(frame->has_value());
    EXPECT_EQ((**frame).index, i);
    EXPECT_EQ((**frame).image.empty(), i % 5 != 0);
    if (i % 5 == 0) {
      EXPECT_EQ(number_of((**frame).image), i);
    }
  }
  EXPECT_EQ(asked.size(), std::size_t{kFrames});
}

TEST_F(Times, SoundStaysWithThePictures) {
  auto source = open_file(*dir_ / "offset.mp4");
  MIEN_ASSERT_OK(source);
  WriterOptions options;
  options.width = kWidth;
  options.height = kHeight;
  options.audio_from = *dir_ / "offset.mp4";
  for (const std::int64_t start_us : {0, 700'000}) {
    options.start_us = start_us;
    MIEN_ASSERT_OK((*source)->seek(start_us));
    auto writer = open_writer(*dir_ / "copy.mp4", options);
    MIEN_ASSERT_OK(writer);
    EXPECT_TRUE((*writer)->audio_copied());
    for (;;) {
      auto frame = (*source)->next();
      MIEN_ASSERT_OK(frame);
      if (!*frame) break;
      if ((**frame).timestamp_us < start_us) continue;
      MIEN_ASSERT_OK((*writer)->write((**frame).image, (**frame).timestamp_us));
    }
    MIEN_ASSERT_OK((*writer)->finish());
    const Probe copy = probe(*dir_ / "copy.mp4");
    EXPECT_NEAR(copy.start, 0.0, 0.03);  // the sound
    EXPECT_NEAR(copy.times.front(), start_us == 0 ? 0.5 : 0.0, 0.03);
    EXPECT_NEAR(copy.times.back(), 1.66 - static_cast<double>(start_us) / 1e6, 0.03);
  }
}

}  // namespace
}  // namespace mien::video::test
