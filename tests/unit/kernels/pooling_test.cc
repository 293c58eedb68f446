// The passes over rows of channels of mien/kernels/ops.h.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "kernels/ops.h"
#include "mien/core/rng.h"
#include "mien/tensor/tensor.h"

namespace mien::kernels {
namespace {

std::vector<float> random_values(std::size_t count, std::uint64_t seed, bool positive) {
  Rng rng(seed);
  std::vector<float> out(count);
  for (float& v : out)
    v = static_cast<float>(positive ? std::max(0.0, rng.normal()) : rng.normal());
  return out;
}

std::vector<std::uint16_t> narrow(const std::vector<float>& x) {
  std::vector<std::uint16_t> out(x.size());
  std::transform(x.begin(), x.end(), out.begin(), float_to_bf16);
  return out;
}

TEST(MaxPool, IsTheLargestNeighbour) {
  for (const std::size_t side : {1U, 2U, 5U, 8U}) {
    constexpr std::size_t kCount = 2, kChannels = 19;
    const std::size_t half = (side + 1) / 2;
    const auto x = random_values(kCount * side * side * kChannels, side, true);
    std::vector<float> got(kCount * half * half * kChannels, -1.0F);
    max_pool_3x3(x.data(), Precision::kF32, kCount, static_cast<std::int64_t>(side), kChannels,
                 got.data());
    const auto x16 = narrow(x);
    std::vector<std::uint16_t> got16(got.size());
    max_pool_3x3(x16.data(), Precision::kBf16, kCount, static_cast<std::int64_t>(side), kChannels,
                 got16.data());
    for (std::size_t at = 0; at < got.size(); ++at) {
      const std::size_t c = at % kChannels, z = at / kChannels % half;
      const std::size_t y = at / kChannels / half % half, n = at / kChannels / half / half;
      float most = 0;
      for (std::size_t v = y == 0 ? 0 : 2 * y - 1; v < std::min(side, 2 * y + 2); ++v) {
        for (std::size_t u = z == 0 ? 0 : 2 * z - 1; u < std::min(side, 2 * z + 2); ++u) {
          most = std::max(most, x[((n * side + v) * side + u) * kChannels + c]);
        }
      }
      ASSERT_EQ(got[at], most) << side << " at " << at;
      ASSERT_EQ(got16[at], float_to_bf16(most)) << side << " at " << at;
    }
  }
}

TEST(MeanOfRows, OfBothTypes) {
  const auto x = random_values(2 * 3 * 5, 3, false);
  const auto x16 = narrow(x);
  std::vector<float> got(2 * 5), got16(2 * 5);
  mean_of_rows(x.data(), Precision::kF32, 2, 3, 5, got.data());
  mean_of_rows(x16.data(), Precision::kBf16, 2, 3, 5, got16.data());
  for (std::size_t i = 0; i < got.size(); ++i) {
    float wide = 0, rounded = 0;
    for (std::size_t r = 0; r < 3; ++r) {
      const std::size_t at = (i / 5 * 3 + r) * 5 + i % 5;
      wide += x[at] / 3;
      rounded += bf16_to_float(x16[at]) / 3;
    }
    EXPECT_NEAR(got[i], wide, 1e-6);
    EXPECT_NEAR(got16[i], rounded, 1e-6);
  }
}

TEST(AddRowsTo, AddsEachRowAtItsIndex) {
  const auto rows = random_values(4 * 3, 5, false);
  const auto before = random_values(4 * 3, 6, false);
  const std::vector<std::int32_t> places = {1, 0};
  std::vector<float> got = before;
  add_rows_to(rows.data(), 4, 3, places.data(), 2, got.data());
  for (std::size_t r = 0; r < 4; ++r) {
    const std::size_t to = r % 2 == 0 ? r + 1 : r - 1;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(got[to * 3 + i], before[to * 3 + i] + rows[r * 3 + i]);
    }
  }
}

}  // namespace
}  // namespace mien::kernels
