#include "core/spelling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mien {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsChangesAndSwaps) {
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
  EXPECT_EQ(edit_distance("müde", "mude"), 1) << "letters, not bytes";
}

TEST(EditDistance, LargerDistancesCountAsOneMore) {
  EXPECT_EQ(edit_distance("kitten", "sitting", 3), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting", 2), 3);
  EXPECT_EQ(edit_distance("kitten", "sitting", 0), 1);
  EXPECT_EQ(edit_distance("a", "abcdefgh", 2), 3);
}

TEST(Nearest, AllWithTheFewestEditsInOrder) {
  using testing::ElementsAre;
  using testing::IsEmpty;
  const std::vector<std::string_view> known = {"predict", "detect", "embed",
                                               "eval",    "data",   "date"};
  EXPECT_THAT(nearest("pridict", known), ElementsAre(0));
  EXPECT_THAT(nearest("dat", known), ElementsAre(4, 5));
  EXPECT_THAT(nearest("date", known), ElementsAre(5));
  EXPECT_THAT(nearest("embde", known, 1), ElementsAre(2));
  EXPECT_THAT(nearest("photograph", known, 3), IsEmpty());
  EXPECT_THAT(nearest("ev", known, 2), ElementsAre(3));
  EXPECT_THAT(nearest("x", {}), IsEmpty());
}

}  // namespace
}  // namespace mien
