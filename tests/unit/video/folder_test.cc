#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "clips.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::video::test {
namespace {

using ::mien::test::problem_of;
using ::mien::test::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

void put_picture(const std::filesystem::path& path, int number, int width = kWidth) {
  auto png = image::encode_png(numbered_picture(number, width, 32));
  MIEN_ASSERT_OK(png);
  write_bytes(path, *png);
}

TEST(OpenFolder, NamesSortNaturally) {
  const TempDir dir;
  put_picture(dir / "10.png", 3);
  put_picture(dir / "9.png", 5);
  put_picture(dir / "1.PNG", 1);
  put_picture(dir / "100.png", 4);
  write_text(dir / "notes.txt", "no picture");
  write_text(dir / "._9.png", "what a Mac leaves beside a picture");
  std::filesystem::create_directory(dir / "folder.png");
  OpenOptions options;
  options.folder_fps = 8;
  auto source = open_folder(dir.path(), options);
  MIEN_ASSERT_OK(source);
  EXPECT_EQ((*source)->info().frames, 4);
  EXPECT_EQ((*source)->info().width, kWidth);
  EXPECT_EQ((*source)->info().height, 32);
  EXPECT_NEAR((*source)->info().seconds, 0.5, 1e-9);
  EXPECT_FALSE((*source)->info().live);
  const Listing got = list_frames(**source);
  MIEN_ASSERT_OK(got.status);
  EXPECT_THAT(got.numbers, ElementsAre(1, 5, 3, 4));
  EXPECT_THAT(got.times_us, ElementsAre(0, 125'000, 250'000, 375'000));
  EXPECT_THAT(got.indices, ElementsAre(0, 1, 2, 3));
}

TEST(OpenFolder, BrokenPicturesAreCountedAndSkipped) {
  const TempDir dir;
  write_text(dir / "a.jpg", "broken");
  put_picture(dir / "b.png", 1);
  write_text(dir / "c.png", "");
  put_picture(dir / "d.png", 2, 48);  // of another size
  OpenOptions options;
  options.folder_fps = 10;
  int warnings = 0;
  options.log = [&](LogLevel, std::string_view) { ++warnings; };
  auto source = open_folder(dir.path(), options);
  MIEN_ASSERT_OK(source);
  EXPECT_EQ((*source)->info().width, kWidth);
  const Listing got = list_frames(**source);
  MIEN_ASSERT_OK(got.status);
  EXPECT_THAT(got.numbers, ElementsAre(1, 2));
  EXPECT_THAT(got.times_us, ElementsAre(100'000, 300'000));
  EXPECT_THAT(got.indices, ElementsAre(0, 1));
  EXPECT_EQ((*source)->corrupt_frames(), 2);
  EXPECT_EQ(warnings, 2);
  // Backwards: nothing is counted twice; a seek to a broken picture gives the good one before it.
  MIEN_ASSERT_OK((*source)->seek(200'000));
  EXPECT_THAT(list_frames(**source).numbers, ElementsAre(1, 2));
  MIEN_ASSERT_OK((*source)->seek(0));  // no good one before it: the first good one
  EXPECT_THAT(list_frames(**source).numbers, ElementsAre(1, 2));
  MIEN_ASSERT_OK((*source)->seek(std::numeric_limits<std::int64_t>::max()));
  EXPECT_THAT(list_frames(**source).numbers, ElementsAre(2));
  EXPECT_EQ((*source)->corrupt_frames(), 2);
  EXPECT_THAT(*(*source)->timestamps(), ElementsAre(0, 100'000, 200'000, 300'000));
  EXPECT_THAT(list_frames(**source).indices, ElementsAre(0, 1));
}

TEST(OpenFolder, EmptyFolder) {
  const TempDir dir;
  MIEN_EXPECT_CODE(open_folder(dir.path()), StatusCode::kInvalidArgument);
  EXPECT_THAT(problem_of(open_folder(dir.path())), HasSubstr("has no picture inside"));
  write_text(dir / "a.png", "broken");
  auto source = open_folder(dir.path());
  MIEN_ASSERT_OK(source);
  MIEN_EXPECT_CODE((*source)->next(), StatusCode::kCorrupt);
  EXPECT_EQ((*source)->corrupt_frames(), 1);
  MIEN_EXPECT_CODE(open_folder(dir / "none"), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(open_folder(dir / "a.png"), StatusCode::kInvalidArgument);
}

TEST(OpenFolder, BadRatesAndLimits) {
  const TempDir dir;
  for (int i = 0; i < 4; ++i) put_picture(dir / (std::to_string(i) + ".png"), i);
  OpenOptions options;
  for (const double fps : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(), 1e9}) {
    options.folder_fps = fps;
    MIEN_EXPECT_CODE(open_folder(dir.path(), options), StatusCode::kInvalidArgument) << fps;
  }
  options = {};
  options.limits.max_frames = 3;
  MIEN_EXPECT_CODE(open_folder(dir.path(), options), StatusCode::kResourceLimit);
  options = {};
  options.limits.max_seconds = 0.05;
  auto source = open_folder(dir.path(), options);
  MIEN_ASSERT_OK(source);
  const Listing got = list_frames(**source);
  EXPECT_THAT(got.numbers, ElementsAre(0, 1));
  MIEN_EXPECT_CODE(got.status, StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::video::test
