#include "data/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <utility>

#include "support/test_support.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

void write(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Store, FolderAndTarGiveTheSame) {
  const test::TempDir dir;
  write(dir / "set/b.txt", "bee");
  write(dir / "set/a.txt", "ay");
  write(dir / "set/sub/c.txt", "see");
  const std::string command =
      "tar -cf '" + (dir / "t.tar").string() + "' -C '" + dir.path().string() + "' set";
  ASSERT_EQ(std::system(command.c_str()), 0);
  for (const auto& path : {dir.path(), dir / "t.tar"}) {
    const auto store = Store::open(path);
    ASSERT_TRUE(store.ok()) << store.status().message();
    EXPECT_THAT(*(*store)->list("set"), ElementsAre("set/a.txt", "set/b.txt"));
    EXPECT_EQ(text_of((*store)->read("set/sub/c.txt").value()), "see");
    EXPECT_TRUE((*store)->contains("set/a.txt"));
    EXPECT_FALSE((*store)->contains("set"));
    EXPECT_EQ(test::code_of((*store)->read("set/none.txt")), StatusCode::kNotFound);
    EXPECT_THAT(*(*store)->list("none"), IsEmpty());
    EXPECT_THAT(*(*store)->list_folders("set"), ElementsAre("set/sub"));
    EXPECT_THAT(*(*store)->list_folders("set/sub"), IsEmpty());
  }
}

// No file can be opened while it lives, not even by root.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;
  ~NoMoreFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(Store, AFolderThatCannotBeListedIsAnError) {
#if defined(MIEN_SANITIZED)
  GTEST_SKIP() << "the sanitizer opens files of its own to look at a call";
#endif
  const test::TempDir dir;
  write(dir / "set/a.txt", "ay");
  const auto store = Store::open(dir.path());
  ASSERT_TRUE(store.ok());
  const auto listed = [&] {
    const NoMoreFiles closed;
    return std::pair((*store)->list("set"), (*store)->list_folders("set"));
  }();
  EXPECT_EQ(test::code_of(listed.first), StatusCode::kIo);
  EXPECT_EQ(test::code_of(listed.second), StatusCode::kIo);
  EXPECT_THAT(test::problem_of(listed.first), testing::HasSubstr("set: cannot be listed"));
  EXPECT_THAT(*(*store)->list("set"), ElementsAre("set/a.txt"));
}

TEST(Store, NamesDoNotLeaveTheFolder) {
  const test::TempDir dir;
  write(dir / "secret.txt", "x");
  write(dir / "set/a.txt", "y");
  const auto store = Store::open(dir / "set");
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(test::code_of((*store)->read("../secret.txt")), StatusCode::kInvalidArgument);
  EXPECT_EQ(test::code_of((*store)->read((dir / "secret.txt").string())),
            StatusCode::kInvalidArgument);
}

TEST(Store, TruncatedTarAndMissingFile) {
  const test::TempDir dir;
  write(dir / "a.tar", std::string(700, 'x'));
  EXPECT_EQ(test::code_of(Store::open(dir / "a.tar")), StatusCode::kCorrupt);
  EXPECT_EQ(test::code_of(Store::open(dir / "none.tar")), StatusCode::kNotFound);
}

TEST(Store, FileAboveTheLimit) {
  const test::TempDir dir;
  write(dir / "a.bin", "12345");
  const auto store = Store::open(dir.path(), {.max_image_bytes = 4});
  ASSERT_TRUE(store.ok());
  EXPECT_EQ(test::code_of((*store)->read("a.bin")), StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::data
