#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "core/file.h"
#include "core/output_guard.h"
#include "support/test_support.h"

namespace mien {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

std::string text_of(const fs::path& path) {
  const auto text = read_text_file(path, 1 << 20);
  return text.ok() ? *text : text.status().message();
}

struct stat stat_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info;
}

int entries(const fs::path& folder) {
  int out = 0;
  for ([[maybe_unused]] const auto& e : fs::directory_iterator(folder)) ++out;
  return out;
}

TEST(AtomicFile, KeepsModeAndOwnerOfTheOldFile) {
  const TempDir dir;
  std::ofstream(dir / "a.csv") << "old";
  ASSERT_EQ(::chmod((dir / "a.csv").c_str(), 0600), 0);
  const bool root = ::geteuid() == 0;
  if (root) {
    ASSERT_EQ(::chown((dir / "a.csv").c_str(), 1234, 4321), 0);
  }
  MIEN_ASSERT_OK(write_file_atomically(dir / "a.csv", "new"));
  EXPECT_EQ(text_of(dir / "a.csv"), "new");
  EXPECT_EQ(stat_of(dir / "a.csv").st_mode & 07777, 0600U);
  if (root) {
    EXPECT_EQ(stat_of(dir / "a.csv").st_uid, 1234U);
    EXPECT_EQ(stat_of(dir / "a.csv").st_gid, 4321U);
  }
}

TEST(AtomicFile, FollowsLinks) {
  const TempDir dir;
  fs::create_directories(dir / "far");
  std::ofstream(dir / "far/a.csv") << "old";
  fs::create_symlink("far/a.csv", dir / "one");
  fs::create_symlink(dir / "one", dir / "two");
  fs::create_symlink("far/new.csv", dir / "dangling");
  MIEN_ASSERT_OK(write_file_atomically(dir / "two", "new"));
  EXPECT_TRUE(fs::is_symlink(dir / "one") && fs::is_symlink(dir / "two"));
  EXPECT_EQ(text_of(dir / "far/a.csv"), "new");
  MIEN_ASSERT_OK(write_file_atomically(dir / "dangling", "made"));
  EXPECT_TRUE(fs::is_symlink(dir / "dangling"));
  EXPECT_EQ(text_of(dir / "far/new.csv"), "made");
  fs::create_symlink("loop", dir / "loop");
  MIEN_EXPECT_CODE(write_file_atomically(dir / "loop", "x"), StatusCode::kIo);
}

TEST(AtomicFile, OtherHardLinksKeepTheOldContent) {
  const TempDir dir;
  std::ofstream(dir / "a") << "old";
  fs::create_hard_link(dir / "a", dir / "backup");
  MIEN_ASSERT_OK(write_file_atomically(dir / "a", "new"));
  EXPECT_EQ(text_of(dir / "a"), "new");
  EXPECT_EQ(text_of(dir / "backup"), "old");
}

TEST(AtomicFile, WritesIntoAPipe) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  for (const auto access : {AtomicFile::Access::kSequential, AtomicFile::Access::kSeekable}) {
    MIEN_ASSERT_OK(AtomicFile::check(dir / "pipe"));  // does not wait for a reader
    std::string got;
    std::thread reader([&] { got = text_of(dir / "pipe"); });
    auto file = AtomicFile::create(dir / "pipe", access);
    MIEN_ASSERT_OK(file);
    EXPECT_EQ(file->temporary_path().empty(), access == AtomicFile::Access::kSequential);
    MIEN_ASSERT_OK(file->write("hello"));
    MIEN_ASSERT_OK(file->commit());
    reader.join();
    EXPECT_EQ(got, "hello");
    EXPECT_TRUE(S_ISFIFO(stat_of(dir / "pipe").st_mode));
    EXPECT_EQ(entries(dir.path()), 1);
  }
}

// On device nodes of our own, never on those of the system.
TEST(AtomicFile, DevicesStayDevices) {
  const TempDir dir;
  if (::mknod((dir / "null").c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0 ||
      ::mknod((dir / "full").c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0) {
    GTEST_SKIP() << "no right to make device nodes";
  }
  const int probe = ::open((dir / "null").c_str(), O_WRONLY);
  if (probe < 0) GTEST_SKIP() << "device nodes cannot be opened here";
  ::close(probe);
  MIEN_ASSERT_OK(write_file_atomically(dir / "null", "gone"));
  EXPECT_TRUE(S_ISCHR(stat_of(dir / "null").st_mode));
  auto file = AtomicFile::create(dir / "full");
  MIEN_ASSERT_OK(file);
  MIEN_EXPECT_CODE(file->write("x"), StatusCode::kIo);
  MIEN_EXPECT_CODE(file->commit(), StatusCode::kIo);  // a failed write is remembered
  EXPECT_TRUE(S_ISCHR(stat_of(dir / "full").st_mode));
  if (::mknod((dir / "disk").c_str(), S_IFBLK | 0600, makedev(7, 250)) == 0) {
    MIEN_EXPECT_CODE(AtomicFile::create(dir / "disk"), StatusCode::kInvalidArgument);
    EXPECT_TRUE(S_ISBLK(stat_of(dir / "disk").st_mode));
  }
}

TEST(AtomicFile, WritesToItsOwnDescriptors) {
  const TempDir dir;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const std::string name = "/dev/fd/" + std::to_string(ends[0]);
  MIEN_ASSERT_OK(write_file_atomically(name, "hello"));
  char got[6] = {};
  EXPECT_EQ(::read(ends[1], got, 5), 5);
  EXPECT_STREQ(got, "hello");
  // A redirected file continues where it was.
  const int fd = ::open((dir / "log").c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::write(fd, "one,", 4), 4);
  fs::create_symlink("/proc/self/fd/" + std::to_string(fd), dir / "link");
  MIEN_ASSERT_OK(write_file_atomically(dir / "link", "two,"));
  EXPECT_EQ(::write(fd, "three", 5), 5);
  EXPECT_EQ(text_of(dir / "log"), "one,two,three");
  EXPECT_TRUE(fs::is_symlink(dir / "link"));
  for (const int each : {ends[0], ends[1], fd}) ::close(each);
  MIEN_EXPECT_CODE(AtomicFile::create(name), StatusCode::kIo);
}

TEST(AtomicFile, RejectsWhatIsNotAFile) {
  const TempDir dir;
  MIEN_EXPECT_CODE(AtomicFile::create(dir.path()), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(AtomicFile::create(dir / "new/"), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(AtomicFile::create(""), StatusCode::kInvalidArgument);
  std::ofstream(dir / "kept") << "old";
  ASSERT_EQ(::chmod((dir / "kept").c_str(), 0400), 0);
  if (::geteuid() != 0) {
    MIEN_EXPECT_CODE(AtomicFile::check(dir / "kept"), StatusCode::kIo);
  }
  EXPECT_EQ(text_of(dir / "kept"), "old");
}

TEST(AtomicFile, LongNames) {
  const TempDir dir;
  const std::string name(255, 'n');
  MIEN_ASSERT_OK(write_file_atomically(dir / name, "x"));
  EXPECT_EQ(text_of(dir / name), "x");
}

TEST(AtomicFile, KeepsAnUnfinishedOutputBesideIt) {
  const TempDir dir;
  std::ofstream(dir / "a.csv") << "old";
  std::ofstream(dir / "a.csv.part") << "from before";
  auto file = AtomicFile::create(dir / "a.csv");
  MIEN_ASSERT_OK(file);
  MIEN_ASSERT_OK(file->write("some rows"));
  const auto part = file->keep_part();
  MIEN_ASSERT_OK(part);
  EXPECT_EQ(*part, dir / "a.csv.part2");
  EXPECT_EQ(text_of(dir / "a.csv.part2"), "some rows");
  EXPECT_EQ(text_of(dir / "a.csv.part"), "from before");
  EXPECT_EQ(text_of(dir / "a.csv"), "old");
  auto nothing = AtomicFile::create(dir / "b.csv");
  MIEN_ASSERT_OK(nothing);
  const auto none = nothing->keep_part();
  MIEN_ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(entries(dir.path()), 3);
}

TEST(AbsoluteName, IsNeverEmpty) {
  const TempDir dir;
  fs::create_symlink("loop", dir / "loop");
  fs::create_symlink("none", dir / "dangling");
  EXPECT_EQ(absolute_name(dir / "loop").filename(), "loop");
  EXPECT_EQ(absolute_name(dir / "dangling"), absolute_name(dir / "none"));
  EXPECT_EQ(absolute_name(dir / "x/../y"), absolute_name(dir / "y"));
  EXPECT_EQ(absolute_name(std::string(300, 'n')), fs::current_path() / std::string(300, 'n'));
}

TEST(OutputGuard, RejectsInputsAsOutputs) {
  const TempDir dir;
  std::ofstream(dir / "a.png") << "picture";
  std::ofstream(dir / "b.png") << "picture";
  fs::create_directories(dir / "bundle/deeper");
  std::ofstream(dir / "bundle/bundle.json") << "{}";
  fs::create_symlink("a.png", dir / "link.png");
  fs::create_hard_link(dir / "a.png", dir / "hard.png");
  OutputGuard guard;
  guard.reads("input", dir / "a.png");
  guard.reads("input", dir / "missing.png");
  guard.reads("--bundle", dir / "bundle");
  for (const char* name : {"a.png", "link.png", "hard.png", "x/../a.png", "bundle/bundle.json"}) {
    MIEN_EXPECT_CODE(guard.writes("-o", dir / name), StatusCode::kInvalidArgument);
  }
  MIEN_EXPECT_CODE(guard.writes("-o", dir / "b.png"), StatusCode::kOk);
  MIEN_EXPECT_CODE(guard.writes("-o", dir / "bundle/new.csv"), StatusCode::kOk);
}

TEST(OutputGuard, RejectsTwoOutputsOfOneName) {
  const TempDir dir;
  fs::create_symlink("new.csv", dir / "dangling");
  OutputGuard guard;
  MIEN_EXPECT_CODE(guard.writes("-o", dir / "new.csv"), StatusCode::kOk);
  MIEN_EXPECT_CODE(guard.writes("--report", dir / "x/../new.csv"), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(guard.writes("--report", dir / "dangling"), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(guard.writes("--report", dir / "page.html"), StatusCode::kOk);
  MIEN_EXPECT_CODE(guard.writes("-o", "/dev/null"), StatusCode::kOk);
  MIEN_EXPECT_CODE(guard.writes("--report", "/dev/null"), StatusCode::kOk);
}

}  // namespace
}  // namespace mien
