#include "face/boxes_file.h"

#include <gtest/gtest.h>

#include <fstream>

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
  const auto boxes = file->find("p/one.jpg", std::nullopt);
  MIEN_ASSERT_OK(boxes);
  ASSERT_EQ(boxes->size(), 2U);
  EXPECT_EQ((*boxes)[0], (image::Box{1, 2, 3, 4}));
  EXPECT_EQ((*boxes)[1], (image::Box{10, -2.5F, 30, 40}));
  const auto none = file->find("p/none.jpg", std::nullopt);
  MIEN_ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
}

TEST(BoxesFile, FindsPathsByTheirEndAndByUniqueFileName) {
  const auto file = BoxesFile::parse(
      "path,x,y,w,h\na/one.jpg,1,1,1,1\nb/one.jpg,2,2,2,2\nb/two.jpg,3,3,3,3\n", "b.csv");
  MIEN_ASSERT_OK(file);
  EXPECT_EQ((*file->find("/data/b/one.jpg", std::nullopt))[0].x, 2);
  EXPECT_EQ((*file->find("elsewhere/two.jpg", std::nullopt))[0].x, 3);
  MIEN_EXPECT_CODE(file->find("one.jpg", std::nullopt), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(file->find("xb/three.jpg", std::nullopt), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(file->find("", std::nullopt), StatusCode::kNotFound);
}

TEST(BoxesFile, FrameColumnSelectsFrames) {
  const auto file = BoxesFile::parse("frame,x,y,w,h\n0,1,1,5,5\n2,3,3,5,5\n,9,9,5,5\n", "b.csv");
  MIEN_ASSERT_OK(file);
  EXPECT_EQ(file->find("any.mp4", 0)->size(), 2U);
  EXPECT_EQ(file->find("any.mp4", 1)->size(), 1U);
  EXPECT_EQ(file->find("any.mp4", 2)->size(), 2U);
  EXPECT_EQ(file->find("any.mp4", std::nullopt)->size(), 3U);
}

TEST(BoxesFile, EveryDamageNamesFileAndLine) {
  EXPECT_EQ(problem(""),
            "corrupt: b.csv:1: has no column 'x' (expected a header with x, y, w, h and path or "
            "frame)");
  EXPECT_EQ(problem("x,y,w,h\n"),
            "corrupt: b.csv:1: has no column 'path' or 'frame' (expected one of them)");
  EXPECT_EQ(problem("path,x,x,y,w,h\n"), "corrupt: b.csv:1: column 'x' is there twice");
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

TEST(BoxesFile, MissingFileIsNotFound) {
  MIEN_EXPECT_CODE(BoxesFile::load("/nowhere/b.csv"), StatusCode::kNotFound);
}

}  // namespace
}  // namespace mien::face
