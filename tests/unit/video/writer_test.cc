#include "mien/video/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "clips.h"
#include "support/test_support.h"
#include "video/container.h"
#include "video/encoder.h"

namespace mien::video::test {
namespace {

using ::mien::test::problem_of;
using ::mien::test::TempDir;
using ::testing::HasSubstr;

int files_in(const std::filesystem::path& folder) {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(VideoWriter, FallsBackToMpeg4) {
  const TempDir dir;
  WriterOptions options;
  options.width = kWidth;
  options.height = kHeight;
  constexpr std::array<const char*, 2> kEncoders = {"no-such-encoder", "mpeg4"};
  auto writer = open_writer_with(dir / "a.mp4", options, kEncoders);
  MIEN_ASSERT_OK(writer);
  const std::vector<std::int64_t> times = {0, 33'333, 66'667, 500'000, 500'100};
  int number = 0;
  for (const auto time : times) MIEN_ASSERT_OK((*writer)->write(numbered_picture(number++), time));
  MIEN_ASSERT_OK((*writer)->finish());
  auto source = open_file(dir / "a.mp4");
  MIEN_ASSERT_OK(source);
  const Listing got = list_frames(**source);
  EXPECT_EQ(got.numbers, (std::vector<int>{0, 1, 2, 3, 4}));
  for (std::size_t i = 0; i < times.size(); ++i)
    EXPECT_LE(std::abs(got.times_us[i] - times[i]), 17) << i;
  MIEN_EXPECT_CODE(open_writer_with(dir / "b.mp4", options, {}), StatusCode::kUnsupported);
}

TEST(VideoWriter, ColoursSurvive) {
  const TempDir dir;
  for (const int width : {64, 1280}) {  // BT.601 and BT.709
    WriterOptions options;
    options.width = width;
    options.height = 48;
    auto writer = open_writer(dir / "a.mp4", options);
    MIEN_ASSERT_OK(writer);
    image::Image picture(width, 48);
    for (std::size_t i = 0; i < picture.pixels().size(); i += 3) {
      picture.pixels()[i] = 200;
      picture.pixels()[i + 1] = 60;
      picture.pixels()[i + 2] = 30;
    }
    MIEN_ASSERT_OK((*writer)->write(picture, 0));
    MIEN_ASSERT_OK((*writer)->finish());
    auto source = open_file(dir / "a.mp4");
    MIEN_ASSERT_OK(source);
    auto frame = (*source)->next();
    MIEN_ASSERT_OK(frame);
    const std::uint8_t* p = (**frame).image.row(20) + 60;
    EXPECT_NEAR(p[0], 200, 5) << width;
    EXPECT_NEAR(p[1], 60, 5) << width;
    EXPECT_NEAR(p[2], 30, 5) << width;
  }
}

TEST(VideoWriter, OddSizesLoseTheLastColumnAndRow) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(3), 131, 67));
  auto source = open_file(dir / "a.mp4");
  MIEN_ASSERT_OK(source);
  EXPECT_EQ((*source)->info().width, 130);
  EXPECT_EQ((*source)->info().height, 66);
  EXPECT_EQ(list_frames(**source).numbers, (std::vector<int>{0, 1, 2}));
}

TEST(VideoWriter, PaddedRowsAreRead) {
  const TempDir dir;
  WriterOptions options;
  options.width = kWidth;
  options.height = kHeight;
  auto writer = open_writer(dir / "a.mp4", options);
  MIEN_ASSERT_OK(writer);
  const image::Image wide = numbered_picture(0x0B, 2 * kWidth);
  image::ImageView part = wide.view();
  part.width = kWidth;
  MIEN_ASSERT_OK((*writer)->write(part, 0));
  MIEN_ASSERT_OK((*writer)->finish());
  auto source = open_file(dir / "a.mp4");
  MIEN_ASSERT_OK(source);
  EXPECT_EQ(list_frames(**source).numbers, (std::vector<int>{0xCF}));  // bars 0..3, doubled
}

TEST(VideoWriter, NothingIsLeftWithoutFinish) {
  const TempDir dir;
  WriterOptions options;
  options.width = kWidth;
  options.height = kHeight;
  {
    auto writer = open_writer(dir / "a.mp4", options);
    MIEN_ASSERT_OK(writer);
    MIEN_ASSERT_OK((*writer)->write(numbered_picture(1), 0));
    EXPECT_FALSE(std::filesystem::exists(dir / "a.mp4"));
    EXPECT_EQ(files_in(dir.path()), 1);
  }
  EXPECT_EQ(files_in(dir.path()), 0);
  {
    auto writer = open_writer(dir / "a.mp4", options);
    MIEN_ASSERT_OK(writer);
    MIEN_EXPECT_CODE((*writer)->finish(), StatusCode::kInvalidArgument);  // no frame
  }
  EXPECT_EQ(files_in(dir.path()), 0);
}

TEST(VideoWriter, BadSizesRatesAndFrames) {
  const TempDir dir;
  WriterOptions options;
  options.width = 1;
  options.height = 10;
  MIEN_EXPECT_CODE(open_writer(dir / "a.mp4", options), StatusCode::kInvalidArgument);
  options.width = 40'000;
  MIEN_EXPECT_CODE(open_writer(dir / "a.mp4", options), StatusCode::kInvalidArgument);
  options.width = 64;
  options.height = 48;
  options.fps = 0;
  MIEN_EXPECT_CODE(open_writer(dir / "a.mp4", options), StatusCode::kInvalidArgument);
  options.fps = 25;
  auto writer = open_writer(dir / "a.mp4", options);
  MIEN_ASSERT_OK(writer);
  MIEN_EXPECT_CODE((*writer)->write(numbered_picture(0), 0), StatusCode::kInvalidArgument);
  MIEN_ASSERT_OK((*writer)->write(numbered_picture(0, 64, 48), 1000));
  EXPECT_THROW((void)(*writer)->write(numbered_picture(0, 64, 48), 1000), ContractError);
}

TEST(VideoWriter, MissingFolder) {
  const TempDir dir;
  WriterOptions options;
  options.width = options.height = 64;
  const auto writer = open_writer(dir / "none" / "a.mp4", options);
  EXPECT_FALSE(writer.ok());
  EXPECT_THAT(problem_of(writer), HasSubstr("a.mp4"));
}

TEST(VideoWriter, FullDiskIsAnErrorAndLeavesNothing) {
  const TempDir dir;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit tight = before;
  tight.rlim_cur = 20'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  Status status;
  {
    WriterOptions options;
    options.width = options.height = 256;
    auto writer = open_writer(dir / "a.mp4", options);
    status = writer.ok() ? Status() : writer.status();
    std::uint32_t state = 1;
    for (int i = 0; i < 120 && status.ok(); ++i) {
      image::Image noise(256, 256);
      for (auto& level : noise.pixels()) {
        state = state * 1664525U + 1013904223U;
        level = static_cast<std::uint8_t>(state >> 24);
      }
      status = (*writer)->write(noise, i * 40'000);
    }
    if (status.ok()) status = (*writer)->finish();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  MIEN_EXPECT_CODE(status, StatusCode::kIo);
  EXPECT_EQ(files_in(dir.path()), 0);
}

struct Audio {
  std::int64_t first_us = -1;
  std::int64_t last_us = -1;
  int packets = 0;
  std::string codec;
};

Audio audio_of(const std::filesystem::path& path) {
  Audio out;
  auto bytes = open_file_bytes(path, nullptr);
  if (!bytes.ok()) return out;
  auto container = Container::open(std::move(bytes).value(), path.string(), {});
  if (!container.ok()) return out;
  const int stream = container->find_audio(-1);
  if (stream < 0) return out;
  container->select(stream);
  const AVStream& audio = *container->context().streams[stream];
  out.codec = avcodec_get_name(audio.codecpar->codec_id);
  const PacketPtr packet = make_packet();
  for (;;) {
    const auto got = container->read(*packet);
    if (!got.ok() || *got != Container::Read::kPacket) return out;
    if (packet->stream_index != stream) continue;
    out.last_us = av_rescale_q(packet->pts, audio.time_base, kMicroseconds);
    if (out.packets++ == 0) out.first_us = out.last_us;
  }
}

class AudioKept : public ::testing::Test {
 protected:
  // Copies the first `frames` pictures of `from`, with its sound.
  Result<bool> copy(const std::filesystem::path& from, const std::filesystem::path& to,
                    int frames) {
    MIEN_ASSIGN_OR_RETURN(auto source, open_file(from));
    WriterOptions options;
    options.width = source->info().width;
    options.height = source->info().height;
    options.audio_from = from;
    MIEN_ASSIGN_OR_RETURN(auto writer, open_writer(to, options));
    for (int i = 0; i < frames; ++i) {
      MIEN_ASSIGN_OR_RETURN(auto frame, source->next());
      if (!frame) break;
      MIEN_RETURN_IF_ERROR(writer->write(frame->image, frame->timestamp_us));
    }
    const bool copied = writer->audio_copied();
    MIEN_RETURN_IF_ERROR(writer->finish());
    return copied;
  }
  TempDir dir_;
};

TEST_F(AudioKept, IsCopiedAlignedAndCut) {
  MIEN_NEEDS_FFMPEG();
  MIEN_ASSERT_OK(write_numbered(dir_ / "v.mp4", steady_times(100)));
  for (const char* name : {"av.mp4", "av.mkv", "av.ts"}) {
    ASSERT_TRUE(ffmpeg("-i " + (dir_ / "v.mp4").string() +
                       " -f lavfi -i sine=d=10 -c:v copy -c:a aac -shortest " +
                       (dir_ / name).string()));
    const auto copied = copy(dir_ / name, dir_ / "out.mp4", 50);
    MIEN_ASSERT_OK(copied);
    EXPECT_TRUE(*copied) << name;
    auto source = open_file(dir_ / "out.mp4");
    MIEN_ASSERT_OK(source);
    EXPECT_TRUE((*source)->info().has_audio);
    const Listing got = list_frames(**source);
    ASSERT_EQ(got.numbers.size(), 50U);
    // The priming of the sound may start before the pictures: their distance is kept.
    const std::int64_t start = got.times_us.front();
    EXPECT_LT(start, 30'000) << name;
    EXPECT_NEAR(static_cast<double>(got.times_us.back() - start), 49 * 40'000.0, 30.0);
    const Audio audio = audio_of(dir_ / "out.mp4");
    EXPECT_EQ(audio.codec, "aac");
    EXPECT_LT(audio.first_us, 30'000) << name;
    EXPECT_GT(audio.last_us, 1'930'000) << name;  // the clip is 2 s long; a packet is 23 ms
    EXPECT_LT(audio.last_us, 2'001'000 + start) << name;
  }
}

TEST_F(AudioKept, KeepsTheOffsetOfSoundAndPictures) {
  MIEN_NEEDS_FFMPEG();
  MIEN_ASSERT_OK(write_numbered(dir_ / "v.mp4", steady_times(100)));
  // The sound starts half a second after the pictures.
  ASSERT_TRUE(ffmpeg("-i " + (dir_ / "v.mp4").string() +
                     " -itsoffset 0.5 -f lavfi -i sine=d=2 -c:v copy -c:a aac " +
                     (dir_ / "late.mkv").string()));
  const auto copied = copy(dir_ / "late.mkv", dir_ / "out.mp4", 100);
  MIEN_ASSERT_OK(copied);
  EXPECT_TRUE(*copied);
  EXPECT_NEAR(static_cast<double>(audio_of(dir_ / "out.mp4").first_us), 500'000.0, 30'000.0);
  EXPECT_EQ(audio_of(dir_ / "late.mkv").packets, audio_of(dir_ / "out.mp4").packets);
}

TEST_F(AudioKept, CodecThatMp4CannotHoldIsSkipped) {
  MIEN_NEEDS_FFMPEG();
  MIEN_ASSERT_OK(write_numbered(dir_ / "v.mp4", steady_times(20)));
  ASSERT_TRUE(ffmpeg("-i " + (dir_ / "v.mp4").string() +
                     " -f lavfi -i sine=d=1 -c:v copy -c:a wmav2 " + (dir_ / "w.mkv").string()));
  const auto copied = copy(dir_ / "w.mkv", dir_ / "out.mp4", 20);
  MIEN_ASSERT_OK(copied);
  EXPECT_FALSE(*copied);
  auto source = open_file(dir_ / "out.mp4");
  MIEN_ASSERT_OK(source);
  EXPECT_FALSE((*source)->info().has_audio);
  EXPECT_EQ(list_frames(**source).numbers.size(), 20U);
}

TEST_F(AudioKept, SilentAndMissingSources) {
  MIEN_ASSERT_OK(write_numbered(dir_ / "v.mp4", steady_times(5)));
  const auto copied = copy(dir_ / "v.mp4", dir_ / "out.mp4", 5);
  MIEN_ASSERT_OK(copied);
  EXPECT_FALSE(*copied);
  WriterOptions options;
  options.width = options.height = 64;
  options.audio_from = dir_ / "none.mp4";
  MIEN_EXPECT_CODE(open_writer(dir_ / "x.mp4", options), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "x.mp4"));
}

}  // namespace
}  // namespace mien::video::test
