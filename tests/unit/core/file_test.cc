#include "core/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "support/test_support.h"

namespace mien {
namespace {

using test::TempDir;

TEST(File, ReadsWritesAndLimits) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_file_atomically(dir / "a.txt", "hello"));
  EXPECT_EQ(*read_text_file(dir / "a.txt", 5), "hello");
  MIEN_EXPECT_CODE(read_text_file(dir / "a.txt", 4), StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE(read_file(dir / "none", 5), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(read_file(dir.path(), 5), StatusCode::kInvalidArgument);
}

TEST(File, AbandonedWriteLeavesTheOldFile) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_file_atomically(dir / "a.txt", "old"));
  {
    auto file = AtomicFile::create(dir / "a.txt");
    MIEN_ASSERT_OK(file);
    MIEN_ASSERT_OK(file->write("new"));
  }
  EXPECT_EQ(*read_text_file(dir / "a.txt", 9), "old");
  int entries = 0;
  for ([[maybe_unused]] const auto& e : std::filesystem::directory_iterator(dir.path())) ++entries;
  EXPECT_EQ(entries, 1);
  MIEN_EXPECT_CODE(write_file_atomically(dir / "no/such/a.txt", "x"), StatusCode::kNotFound);
}

TEST(File, WrittenFilesFollowTheUmask) {
  const TempDir dir;
  MIEN_ASSERT_OK(write_file_atomically(dir / "a.txt", "x"));
  struct stat info {};
  ASSERT_EQ(::stat((dir / "a.txt").c_str(), &info), 0);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  EXPECT_EQ(info.st_mode & 0777, 0666 & ~mask);
}

TEST(MappedFile, MapsAndReleases) {
  const TempDir dir;
  const std::string content(20000, 'q');
  MIEN_ASSERT_OK(write_file_atomically(dir / "a.bin", content));
  const auto map = MappedFile::open(dir / "a.bin");
  MIEN_ASSERT_OK(map);
  ASSERT_EQ((*map)->bytes().size(), content.size());
  (*map)->release((*map)->bytes());
  EXPECT_EQ((*map)->bytes()[19999], std::byte{'q'});
  MIEN_ASSERT_OK(write_file_atomically(dir / "empty", ""));
  EXPECT_TRUE((*MappedFile::open(dir / "empty"))->bytes().empty());
  MIEN_EXPECT_CODE(MappedFile::open(dir / "none"), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(MappedFile::open(dir.path()), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien
