#include "face/associate.h"

#include <gtest/gtest.h>

namespace mien::face {
namespace {

using Ints = std::vector<int>;

TEST(Associate, EmptySidesGiveNoPairs) {
  const std::vector<image::Box> one{{0, 0, 10, 10}};
  EXPECT_EQ(associate({}, {}, 0.3F), Ints{});
  EXPECT_EQ(associate({}, one, 0.3F), Ints{});
  EXPECT_EQ(associate(one, {}, 0.3F), Ints{-1});
}

TEST(Associate, LargestOverlapIsPairedFirst) {
  const std::vector<image::Box> from{{0, 0, 10, 10}, {2, 0, 10, 10}};
  const std::vector<image::Box> to{{2, 0, 10, 10}, {-3, 0, 10, 10}};
  EXPECT_EQ(associate(from, to, 0.1F), (Ints{1, 0}));
}

TEST(Associate, TooSmallOverlapAndEqualOverlaps) {
  const std::vector<image::Box> from{{0, 0, 10, 10}, {0, 0, 10, 10}, {50, 50, 4, 4}};
  const std::vector<image::Box> to{{0, 0, 10, 10}, {52, 52, 4, 4}};
  EXPECT_EQ(associate(from, to, 0.3F), (Ints{0, -1, -1}));
}

}  // namespace
}  // namespace mien::face
