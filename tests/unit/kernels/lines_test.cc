#include "kernels/lines.h"

#include <gtest/gtest.h>

#include <vector>

#include "mien/core/rng.h"

namespace mien::kernels {
namespace {

std::vector<float> random_line(std::size_t count, Rng& rng) {
  std::vector<float> out(count);
  for (float& v : out) v = static_cast<float>(rng.normal());
  return out;
}

TensorView view_of(const std::vector<float>& values, Shape shape) {
  return {DType::kF32, std::move(shape), std::as_bytes(std::span(values))};
}

struct ProductCase {
  std::int64_t in, out, kernel;
  int stride;
  std::int64_t positions;
};

// Against the definition in double, for numbers of positions and channels that do and do not fill
// tiles.
TEST(Lines, ConvolutionEqualsTheDefinition) {
  Rng rng(1);
  for (const ProductCase& c :
       {ProductCase{16, 16, 1, 1, 1}, ProductCase{16, 64, 1, 1, 29}, ProductCase{64, 48, 1, 1, 12},
        ProductCase{3, 16, 3, 2, 33}, ProductCase{3, 10, 5, 4, 7}, ProductCase{20, 33, 1, 1, 5}}) {
    const std::int64_t stride_in = c.kernel == 1 ? padded_channels(c.in) : c.in;
    const auto size = static_cast<std::size_t>(c.out * c.in * c.kernel * c.kernel);
    const auto weight = random_line(size, rng),
               bias = random_line(static_cast<std::size_t>(c.out), rng);
    const auto packed = LineConvolution::pack(view_of(weight, {c.out, c.in, c.kernel, c.kernel}),
                                              view_of(bias, {c.out}), stride_in);
    ASSERT_TRUE(packed.ok());
    const std::int64_t wide = (c.positions - 1) * c.stride + c.kernel;
    std::vector<std::vector<float>> lines;
    std::vector<const float*> below;
    for (std::int64_t t = 0; t < c.kernel; ++t) {
      lines.push_back(random_line(static_cast<std::size_t>(wide * stride_in), rng));
    }
    for (const auto& line : lines) below.push_back(line.data());
    std::vector<float> result(static_cast<std::size_t>(c.positions * packed->out()), -1);
    for (const bool relu : {false, true}) {
      packed->run(below, c.positions, c.stride, relu, result.data());
      for (std::int64_t x = 0; x < c.positions; ++x) {
        for (std::int64_t o = 0; o < packed->out(); ++o) {
          double sum = o < c.out ? bias[static_cast<std::size_t>(o)] : 0;
          for (std::int64_t y = 0; o < c.out && y < c.kernel; ++y) {
            for (std::int64_t k = 0; k < c.kernel; ++k) {
              for (std::int64_t i = 0; i < c.in; ++i) {
                const auto at =
                    static_cast<std::size_t>(((o * c.in + i) * c.kernel + y) * c.kernel + k);
                sum += double{weight[at]} *
                       double{lines[static_cast<std::size_t>(y)]
                                   [static_cast<std::size_t>((x * c.stride + k) * stride_in + i)]};
              }
            }
          }
          if (relu && sum < 0) sum = 0;
          ASSERT_NEAR(result[static_cast<std::size_t>(x * packed->out() + o)], sum, 2e-5)
              << x << " " << o;
        }
      }
    }
  }
}

TEST(Lines, DepthwiseEqualsTheDefinition) {
  Rng rng(2);
  for (const std::int64_t channels : {16, 40, 64}) {
    const auto weight = random_line(static_cast<std::size_t>(channels * 9), rng);
    const auto bias = random_line(static_cast<std::size_t>(channels), rng);
    const auto packed = LineDepthwiseConvolution::pack(view_of(weight, {channels, 1, 3, 3}),
                                                       view_of(bias, {channels}));
    ASSERT_TRUE(packed.ok());
    const std::int64_t positions = 11, width = packed->channels();
    EXPECT_EQ(width, padded_channels(channels));
    std::vector<std::vector<float>> lines;
    for (int i = 0; i < 3; ++i)
      lines.push_back(random_line(static_cast<std::size_t>((positions + 2) * width), rng));
    const std::array<const float*, 3> below = {lines[0].data(), lines[1].data(), lines[2].data()};
    std::vector<float> result(static_cast<std::size_t>(positions * width));
    packed->run(below, positions, false, result.data());
    for (std::int64_t x = 0; x < positions; ++x) {
      for (std::int64_t c = 0; c < channels; ++c) {
        double sum = bias[static_cast<std::size_t>(c)];
        for (int y = 0; y < 3; ++y) {
          for (int k = 0; k < 3; ++k) {
            sum += double{weight[static_cast<std::size_t>(c * 9 + y * 3 + k)]} *
                   double{lines[static_cast<std::size_t>(y)]
                               [static_cast<std::size_t>((x + k) * width + c)]};
          }
        }
        ASSERT_NEAR(result[static_cast<std::size_t>(x * width + c)], sum, 1e-5);
      }
    }
  }
}

TEST(Lines, MaximumOfFourPositions) {
  Rng rng(3);
  const auto above = random_line(6 * 16, rng), below = random_line(6 * 16, rng);
  std::vector<float> result(3 * 16);
  line_maximum(above.data(), below.data(), 3, 16, result.data());
  for (std::size_t x = 0; x < 3; ++x) {
    for (std::size_t c = 0; c < 16; ++c) {
      EXPECT_EQ(result[x * 16 + c], std::max({above[2 * x * 16 + c], above[(2 * x + 1) * 16 + c],
                                              below[2 * x * 16 + c], below[(2 * x + 1) * 16 + c]}));
    }
  }
}

TEST(Lines, WrongSizesAreRejected) {
  const std::vector<float> values(64, 1);
  EXPECT_FALSE(LineConvolution::pack(view_of(values, {4, 16}), view_of(values, {64}), 16).ok());
  EXPECT_FALSE(
      LineConvolution::pack(view_of(values, {4, 16, 1, 1}), view_of(values, {64}), 16).ok());
  EXPECT_FALSE(
      LineConvolution::pack(view_of(values, {4, 16, 1, 1}), view_of(std::vector<float>(4), {4}), 8)
          .ok());
  EXPECT_FALSE(
      LineDepthwiseConvolution::pack(view_of(values, {4, 1, 4, 4}), view_of(values, {64})).ok());
}

}  // namespace
}  // namespace mien::kernels
