#include "core/natural_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace mien {
namespace {

TEST(NaturalOrder, ComparesNumbersByValue) {
  const std::vector<std::string> sorted = {"",
                                           "0",
                                           "00",
                                           "1",
                                           "01",
                                           "2",
                                           "9",
                                           "10",
                                           "21",
                                           "100",
                                           "A10",
                                           "a",
                                           "a1",
                                           "a1b",
                                           "a2",
                                           "a2.5",
                                           "a2.10",
                                           "a10",
                                           "a010b",
                                           "b1x02",
                                           "b1x2",
                                           "b1x11",
                                           "b99999999999999999999",
                                           "b100000000000000000000"};
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      const bool equal_numbers =
          !natural_less(sorted[i], sorted[j]) && !natural_less(sorted[j], sorted[i]);
      EXPECT_EQ(equal_numbers, i == j) << sorted[i] << ' ' << sorted[j];
    }
  }
  EXPECT_TRUE(natural_less("9", "10"));
  EXPECT_TRUE(natural_less("frame9.png", "frame10.png"));
  EXPECT_TRUE(natural_less("a2", "a2.5"));
  EXPECT_TRUE(natural_less("b99999999999999999999", "b100000000000000000000"));
  EXPECT_FALSE(natural_less("10", "9"));
  EXPECT_TRUE(natural_less("s1/f10", "s2/f9"));
}

TEST(NaturalOrder, IsATotalOrder) {
  std::vector<std::string> names = {"x10", "x9", "x09", "x1", "x", "10", "9", "x1a", "x01"};
  std::sort(names.begin(), names.end(), natural_less);
  EXPECT_EQ(names,
            (std::vector<std::string>{"9", "10", "x", "x01", "x1", "x1a", "x09", "x9", "x10"}));
}

}  // namespace
}  // namespace mien
