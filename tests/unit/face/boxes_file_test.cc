#include "face/boxes_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "support/test_support.h"

namespace mien::face {
namespace {

std::string problem(std::string_view text) {
  return test::problem_of(BoxesFile::parse(text, "b.csv"));
}

TEST(BoxesFile, ReadsColumnsInAnyOrderAmongOthers) {
  const auto file = BoxesFile::parse(
      "\xEF\xBB\xBFlabel,h,w,path,y,x\r\n"
      "\"a, \"\"b\"\"\",4,3,p/one.jpg,2,1\r\n"
      "\r\n"
      ",40,30,p/one.jpg,-2.5, 10\r\n"
      ",,,p/none.jpg,,\r\n",
      "b.csv");
  MIEN_ASSERT_OK(file);
  const auto boxes = file->find("p/one.jpg", std::nullopt, 100, 100);
  MIEN_ASSERT_OK(boxes);
  ASSERT_EQ(boxes->size(), 2U);
  EXPECT_EQ((*boxes)[0], (image::Box{1, 2, 3, 4}));
  EXPECT_EQ((*boxes)[1], (image::Box{10, -2.5F, 30, 40}));
  const auto none = file->find("p/none.jpg", std::nullopt, 100, 100);
  MIEN_ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
}

TEST(BoxesFile, FindsPathsByTheirEndAndByUniqueFileName) {
  const auto file = BoxesFile::parse(
      "path,x,y,w,h\na/one.jpg,1,1,9,9\nb/one.jpg,2,2,9,9\nb/two.jpg,3,3,9,9\n", "b.csv");
  MIEN_ASSERT_OK(file);
  EXPECT_EQ((*file->find("/data/b/one.jpg", std::nullopt, 100, 100))[0].x, 2);
  EXPECT_EQ((*file->find("elsewhere/two.jpg", std::nullopt, 100, 100))[0].x, 3);
  MIEN_EXPECT_CODE(file->find("one.jpg", std::nullopt, 100, 100), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(file->find("xb/three.jpg", std::nullopt, 100, 100), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(file->find("", std::nullopt, 100, 100), StatusCode::kNotFound);
}

TEST(BoxesFile, FrameColumnSelectsFrames) {
  const auto file = BoxesFile::parse("frame,x,y,w,h\n0,1,1,5,5\n2,3,3,5,5\n,9,9,5,5\n", "b.csv");
  MIEN_ASSERT_OK(file);
  EXPECT_EQ(file->find("any.mp4", 0, 100, 100)->size(), 2U);
  EXPECT_EQ(file->find("any.mp4", 1, 100, 100)->size(), 1U);
  EXPECT_EQ(file->find("any.mp4", 2, 100, 100)->size(), 2U);
  EXPECT_EQ(file->find("any.mp4", std::nullopt, 100, 100)->size(), 3U);
}

TEST(BoxesFile, ErrorsNameFileAndLine) {
  EXPECT_EQ(problem(""),
            "corrupt: b.csv:1: has no column 'x' (expected a header with x, y, w, h and path or "
            "frame)");
  EXPECT_EQ(problem("x,y,w,h\n"),
            "corrupt: b.csv:1: has no column 'path' or 'frame' (expected one of them)");
  EXPECT_EQ(problem("path,x,x,y,w,h\n"), "corrupt: b.csv:1: duplicate column 'x'");
  EXPECT_EQ(problem("path,x,y,w,h\na,1,2,3\n"), "corrupt: b.csv:2: has 4 fields (expected 5)");
  EXPECT_EQ(problem("path,x,y,w,h\n\"a\nb\",1,2,3,4\n,1,2,3,4\n"),
            "corrupt: b.csv:4: path is empty");
  EXPECT_EQ(problem("path,x,y,w,h\na,1,2,3,4\na,1,2,3,four\n"),
            "corrupt: b.csv:3: h is 'four' (expected a number of pixels)");
  EXPECT_EQ(problem("path,x,y,w,h\na,,2,3,4\n"),
            "corrupt: b.csv:2: x is '' (expected a number of pixels)");
  EXPECT_EQ(problem("path,x,y,w,h\na,nan,2,3,4\n"),
            "corrupt: b.csv:2: x is 'nan' (expected a number of pixels)");
  EXPECT_EQ(problem("path,x,y,w,h\na,1e9,2,3,4\n"),
            "corrupt: b.csv:2: x is '1e9' (expected a number of pixels)");
  EXPECT_EQ(problem("path,x,y,w,h\na,1,2,0,4\n"),
            "corrupt: b.csv:2: box is empty (expected w and h above 0)");
  EXPECT_EQ(problem("path,frame,x,y,w,h\na,-1,1,2,3,4\n"),
            "corrupt: b.csv:2: frame is '-1' (expected a number from 0 on)");
  EXPECT_EQ(problem("path,x,y,w,h\n\"a,1,2,3,4\n"),
            "corrupt: b.csv:2: a quoted field does not end");
}

TEST(BoxesFile, SharesAreNeverPixels) {
  const auto file =
      BoxesFile::parse("path,x,y,w,h\na,0.1,0.2,0.5,0.25\na,0,0,1,1\nb,,,,\n", "b.csv");
  MIEN_ASSERT_OK(file);
  const auto boxes = file->find("a", std::nullopt, 640, 480);
  MIEN_ASSERT_OK(boxes);
  ASSERT_EQ(boxes->size(), 2U);
  EXPECT_EQ((*boxes)[0], (image::Box{64, 96, 320, 120}));
  EXPECT_EQ((*boxes)[1], (image::Box{0, 0, 640, 480}));
  EXPECT_EQ(
      test::problem_of(BoxesFile::parse("path,x,y,w,h\na,0,0,9,9\n\nb,0.9,0.9,0.5,0.5\n", "b.csv")),
      "corrupt: b.csv:4: box is 1 pixel or less, and the one in line 2 is larger (expected "
      "pixels in all rows, or shares of the picture, 0 to 1, in all)");
  // Percent, or shares of another corner.
  const auto wrong = BoxesFile::parse("path,x,y,w,h\na,0.9,0.9,0.5,0.5\n", "b.csv");
  MIEN_ASSERT_OK(wrong);
  EXPECT_EQ(test::problem_of(wrong->find("a", std::nullopt, 100, 50)),
            "invalid_argument: b.csv:2: box: 90,45,50,25 lies mostly outside the picture "
            "(expected x,y,w,h in pixels, x from 0 to 100 and y from 0 to 50)");
}

TEST(BoxesFile, MissingRowListsWhatTheFileHas) {
  const auto shares = BoxesFile::parse("path,x,y,w,h\na.png,0.3,0.15,0.2,0.2\n", "b.csv");
  MIEN_ASSERT_OK(shares);
  EXPECT_EQ(test::problem_of(shares->find("a.tif", std::nullopt, 100, 50)),
            "not_found: b.csv: boxes are shares of the picture, x, y, w, h from 0 to 1, and no row "
            "is for a.tif (expected one; empty x, y, w, h mean no face; rows are for a.png)");
  const auto pixels =
      BoxesFile::parse("path,x,y,w,h\nd,1,2,3,4\nc,1,2,3,4\nb,,,,\na,1,2,3,4\n", "b.csv");
  MIEN_ASSERT_OK(pixels);
  EXPECT_EQ(test::problem_of(pixels->find("e", std::nullopt, 100, 50)),
            "not_found: e: no row in b.csv (expected one; empty x, y, w, h mean no face; rows "
            "are for a, b, c, ...)");
}

TEST(BoxesFile, BoxesOutsideAreRejectedWithTheRange) {
  const auto file = BoxesFile::parse(
      "path,x,y,w,h\nin,-4,-4,20,20\nover,-12,0,20,20\nout,100,0,20,20\nfar,-50,300,20,20\n"
      "around,-10,-10,120,120\n",
      "b.csv");
  MIEN_ASSERT_OK(file);
  EXPECT_EQ(test::problem_of(file->find("in", std::nullopt, 100, 80)), "");
  EXPECT_EQ(test::problem_of(file->find("around", std::nullopt, 100, 100)), "");
  EXPECT_EQ(test::problem_of(file->find("over", std::nullopt, 100, 80)),
            "invalid_argument: b.csv:3: box: -12,0,20,20 lies mostly outside the picture "
            "(expected x,y,w,h in pixels, x from 0 to 100 and y from 0 to 80)");
  EXPECT_EQ(test::problem_of(file->find("out", std::nullopt, 100, 80)),
            "invalid_argument: b.csv:4: box: 100,0,20,20 lies outside the picture (expected "
            "x,y,w,h in pixels, x from 0 to 100 and y from 0 to 80)");
  MIEN_EXPECT_CODE(file->find("far", std::nullopt, 100, 80), StatusCode::kInvalidArgument);
}

TEST(BoxesFile, BoxesFromMemoryBehaveLikeAFile) {
  const std::vector<GivenBox> rows{{"p/a.jpg", {}, image::Box{1, 2, 30, 40}},
                                   {"b.mp4", 7, image::Box{5, 5, 20, 20}},
                                   {"c", {}, {}}};
  const auto boxes = BoxesFile::from(rows);
  MIEN_ASSERT_OK(boxes);
  EXPECT_EQ((*boxes->find("x/p/a.jpg", {}, 100, 100))[0], (image::Box{1, 2, 30, 40}));
  EXPECT_EQ(boxes->find("b.mp4", 7, 100, 100)->size(), 1U);
  EXPECT_EQ(boxes->find("b.mp4", 8, 100, 100)->size(), 0U);
  EXPECT_TRUE(boxes->find("c", {}, 100, 100)->empty());
  MIEN_EXPECT_CODE(boxes->find("d", {}, 100, 100), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(boxes->find("p/a.jpg", {}, 20, 20), StatusCode::kInvalidArgument);
  const auto any = BoxesFile::from(std::vector<GivenBox>{{"", 0, image::Box{1, 2, 30, 40}}});
  MIEN_ASSERT_OK(any);
  EXPECT_EQ(any->find("whatever", 0, 100, 100)->size(), 1U);
  const auto none = BoxesFile::from({});
  MIEN_ASSERT_OK(none);
  MIEN_EXPECT_CODE(none->find("whatever", 0, 100, 100), StatusCode::kNotFound);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const image::Box bad : {image::Box{0, 0, 0, 5}, image::Box{0, 0, 0.5F, 0.5F},
                               image::Box{nan, 0, 9, 9}, image::Box{0, 0, 2e6F, 9}}) {
    MIEN_EXPECT_CODE(BoxesFile::from(std::vector<GivenBox>{{"a", {}, bad}}),
                     StatusCode::kInvalidArgument);
  }
  MIEN_EXPECT_CODE(BoxesFile::from(std::vector<GivenBox>{{"a", -1, {}}}),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(BoxesFile::from(std::vector<GivenBox>{{"a", {}, {}}, {"", {}, {}}}),
                   StatusCode::kInvalidArgument);
}

TEST(BoxesFile, MissingFileIsNotFound) {
  MIEN_EXPECT_CODE(BoxesFile::load("/nowhere/b.csv"), StatusCode::kNotFound);
}

}  // namespace
}  // namespace mien::face
