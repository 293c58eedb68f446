#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "clips.h"
#include "support/test_support.h"

namespace mien::video::test {
namespace {

using ::mien::test::TempDir;

/// A pipe and a thread that writes bytes into it, in pieces.
class Feeder {
 public:
  Feeder(std::vector<std::byte> bytes, bool close_at_end) {
    std::signal(SIGPIPE, SIG_IGN);  // some tests stop reading early
    EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
    thread_ = std::thread([this, bytes = std::move(bytes), close_at_end] {
      std::size_t sent = 0;
      while (sent < bytes.size()) {
        const auto n = ::write(ends_[1], bytes.data() + sent,
                               std::min<std::size_t>(bytes.size() - sent, 1777));
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
      }
      if (close_at_end) close_writer();
    });
  }
  ~Feeder() {
    ::close(ends_[0]);
    thread_.join();
    close_writer();
  }
  int fd() const { return ends_[0]; }

 private:
  void close_writer() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  int ends_[2] = {-1, -1};
  std::thread thread_;
};

std::vector<std::byte> transport_stream(const TempDir& dir, int frames) {
  EXPECT_TRUE(write_numbered(dir / "a.mp4", steady_times(frames)).ok());
  EXPECT_TRUE(ffmpeg("-i " + (dir / "a.mp4").string() + " -c copy " + (dir / "a.ts").string()));
  return bytes_of(dir / "a.ts");
}

TEST(OpenStream, TransportStreamThroughAPipe) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  const auto bytes = transport_stream(dir, 80);
  for (const std::size_t prefix : {std::size_t{0}, std::size_t{5}, std::size_t{4096}}) {
    const auto split = bytes.begin() + static_cast<std::ptrdiff_t>(prefix);
    Feeder feeder({split, bytes.end()}, true);
    auto source = open_stream(feeder.fd(), {bytes.begin(), split}, "standard input");
    MIEN_ASSERT_OK(source);
    EXPECT_TRUE((*source)->info().live);
    const Listing got = list_frames(**source);
    MIEN_EXPECT_CODE(got.status, StatusCode::kOk);
    ASSERT_EQ(got.numbers.size(), 80U);
    EXPECT_EQ(got.numbers[79], 79);
    EXPECT_NEAR(static_cast<double>(got.times_us[79]), 79 * 40'000.0, 50.0);
    EXPECT_NE(::fcntl(feeder.fd(), F_GETFD), -1) << "the descriptor was closed";
    MIEN_EXPECT_CODE((*source)->seek(0), StatusCode::kUnsupported);
    MIEN_EXPECT_CODE((*source)->timestamps(), StatusCode::kUnsupported);
  }
}

TEST(OpenStream, RegularFileCanSeek) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_numbered(dir / "a.mp4", steady_times(30)));
  const auto bytes = bytes_of(dir / "a.mp4");
  const int fd = ::open((dir / "a.mp4").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  std::vector<std::byte> prefix(16);
  ASSERT_EQ(::read(fd, prefix.data(), prefix.size()), 16);
  auto source = open_stream(fd, prefix, "standard input");
  MIEN_ASSERT_OK(source);
  EXPECT_FALSE((*source)->info().live);
  MIEN_ASSERT_OK((*source)->seek(20 * 40'000));
  EXPECT_EQ(list_frames(**source).numbers.front(), 20);
  ::close(fd);
}

TEST(OpenStream, EmptyAndForeignInput) {
  Feeder empty({}, true);
  MIEN_EXPECT_CODE(open_stream(empty.fd(), {}, "standard input"), StatusCode::kCorrupt);
  Feeder text(std::vector<std::byte>(5'000, std::byte{'a'}), true);
  MIEN_EXPECT_CODE(open_stream(text.fd(), {}, "standard input"), StatusCode::kUnsupported);
  MIEN_EXPECT_CODE(open_stream(-1, {}, "standard input"), StatusCode::kIo);
}

TEST(OpenStream, CancelInterruptsWaiting) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  std::atomic<bool> cancel = false;
  OpenOptions options;
  options.cancel = &cancel;
  Feeder feeder(transport_stream(dir, 200), false);  // the pipe stays open, so no end is in sight
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    cancel = true;
  });
  const auto begin = std::chrono::steady_clock::now();
  auto source = open_stream(feeder.fd(), {}, "standard input", options);
  const Status outcome = source.ok() ? list_frames(**source).status : source.status();
  stopper.join();
  MIEN_EXPECT_CODE(outcome, StatusCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(OpenFile, NamedPipeIsAStream) {
  MIEN_NEEDS_FFMPEG();
  const TempDir dir;
  const auto bytes = transport_stream(dir, 20);
  const auto path = dir / "fifo.ts";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] { write_bytes(path, bytes); });
  auto source = open_file(path);
  MIEN_EXPECT_CODE(source, StatusCode::kOk);
  if (source.ok()) {
    EXPECT_EQ(list_frames(**source).numbers.size(), 20U);
  }
  writer.join();
}

}  // namespace
}  // namespace mien::video::test
