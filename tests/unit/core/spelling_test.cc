#include "mien/core/spelling.h"

#include <gtest/gtest.h>

namespace mien {
namespace {

TEST(EditDistance, CountsLettersAddedLeftOutChangedAndSwapped) {
  EXPECT_EQ(edit_distance("", ""), 0);
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("abc", ""), 3);
  EXPECT_EQ(edit_distance("happy", "happy"), 0);
  EXPECT_EQ(edit_distance("hapy", "happy"), 1);
  EXPECT_EQ(edit_distance("happyy", "happy"), 1);
  EXPECT_EQ(edit_distance("hsppy", "happy"), 1);
  EXPECT_EQ(edit_distance("hpapy", "happy"), 1);
  EXPECT_EQ(edit_distance("suprize", "surprise"), 2);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(edit_distance("ca", "abc"), 3);  // no letter comes between two that were swapped
  EXPECT_EQ(edit_distance("Happy", "happy"), 1);
}

}  // namespace
}  // namespace mien
