#include "kernels/convolution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/ops.h"
#include "mien/core/rng.h"
#include "mien/kernels/cpu.h"
#include "mien/tensor/tensor.h"
#include "support/test_support.h"

namespace mien::kernels {
namespace {

struct Case {
  int in, out, kernel, stride, padding, height, width;
  bool relu, accumulate;
};

struct Weights {
  Tensor values;  // [out, in, k, k]
  std::vector<float> factor = {}, bias = {};

  ConvolutionWeights view() const { return {values, factor, bias}; }
};

Weights random_weights(const Case& c, Rng& rng) {
  Weights out{.values = Tensor(DType::kF32, {c.out, c.in, c.kernel, c.kernel})};
  for (float& value : out.values.f32()) {
    value = static_cast<float>(rng.normal() / std::sqrt(c.in * c.kernel * c.kernel));
  }
  for (int i = 0; i < c.out; ++i) {
    out.factor.push_back(0.5F + 0.25F * static_cast<float>(i % 5));
    out.bias.push_back(static_cast<float>(rng.normal()));
  }
  return out;
}

// The definition, in double.
std::vector<float> plain(const Case& c, const Weights& w, const std::vector<float>& src, int count,
                         const std::vector<float>& before) {
  const int oh = (c.height + 2 * c.padding - c.kernel) / c.stride + 1;
  const int ow = (c.width + 2 * c.padding - c.kernel) / c.stride + 1;
  std::vector<float> out = before;
  const auto weight = [&](int o, int i, int ky, int kx) {
    return static_cast<double>(
        w.factor[static_cast<std::size_t>(o)] *
        w.values.f32()[static_cast<std::size_t>(((o * c.in + i) * c.kernel + ky) * c.kernel + kx)]);
  };
  for (int n = 0; n < count; ++n) {
    for (int position = 0; position < oh * ow * c.out; ++position) {
      const int o = position % c.out, x = position / c.out % ow, y = position / c.out / ow;
      double sum = static_cast<double>(w.bias[static_cast<std::size_t>(o)]);
      for (int k = 0; k < c.kernel * c.kernel * c.in; ++k) {
        const int i = k % c.in, kx = k / c.in % c.kernel, ky = k / c.in / c.kernel;
        const int sy = y * c.stride + ky - c.padding, sx = x * c.stride + kx - c.padding;
        if (sy < 0 || sx < 0 || sy >= c.height || sx >= c.width) continue;
        sum += weight(o, i, ky, kx) *
               static_cast<double>(
                   src[static_cast<std::size_t>(((n * c.height + sy) * c.width + sx) * c.in + i)]);
      }
      float& to = out[static_cast<std::size_t>(n * oh * ow * c.out + position)];
      if (c.accumulate) sum += static_cast<double>(to);
      to = static_cast<float>(c.relu ? std::max(0.0, sum) : sum);
    }
  }
  return out;
}

class ConvolutionTest : public testing::TestWithParam<Case> {};

TEST_P(ConvolutionTest, EqualsTheDefinition) {
  const Case c = GetParam();
  Rng rng(3);
  const Weights weights = random_weights(c, rng);
  Workspace workspace;
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    // oneDNN has bf16 only for AVX-512.
    if (precision == Precision::kBf16 && active_isa() != Isa::kAvx512) continue;
    const auto conv = Convolution::pack(weights.view(), {.stride = c.stride,
                                                         .padding = c.padding,
                                                         .relu = c.relu,
                                                         .accumulate = c.accumulate,
                                                         .input = precision,
                                                         .output = precision});
    MIEN_ASSERT_OK(conv);
    for (const int count : {1, 3}) {
      std::vector<float> src(static_cast<std::size_t>(count * c.height * c.width * c.in));
      for (float& value : src) value = static_cast<float>(rng.normal());
      const auto values = static_cast<std::size_t>(count * conv->out_size(c.height) *
                                                   conv->out_size(c.width) * c.out);
      std::vector<float> before(values);
      for (float& value : before) value = static_cast<float>(rng.normal());
      const std::vector<float> truth = plain(c, weights, src, count, before);
      std::vector<float> found = before;
      if (precision == Precision::kF32) {
        MIEN_ASSERT_OK(conv->run(src.data(), count, c.height, c.width, found.data(), workspace));
      } else {
        std::vector<std::uint16_t> narrow(src.size()), to(values);
        to_bf16(src.data(), static_cast<std::int64_t>(src.size()), narrow.data());
        to_bf16(before.data(), static_cast<std::int64_t>(values), to.data());
        MIEN_ASSERT_OK(conv->run(narrow.data(), count, c.height, c.width, to.data(), workspace));
        for (std::size_t i = 0; i < values; ++i) found[i] = bf16_to_float(to[i]);
      }
      const float bar = precision == Precision::kF32 ? 1e-4F : 0.08F;
      for (std::size_t i = 0; i < values; ++i) ASSERT_NEAR(found[i], truth[i], bar) << i;
    }
  }
}

// Converts channels-last pictures to another layout. Shape: [count, area, channels].
std::vector<float> laid_out(const std::vector<float>& pictures, int count, int area, int channels,
                            PictureLayout layout) {
  if (layout == PictureLayout::kChannelsLast) return pictures;
  const int each = layout == PictureLayout::kBlocks ? 16 : 1;
  std::vector<float> out(pictures.size());
  for (int n = 0; n < count; ++n) {
    for (int i = 0; i < area; ++i) {
      for (int c = 0; c < channels; ++c) {
        const int block = (n * channels / each + c / each) * area + i;
        out[static_cast<std::size_t>(block * each + c % each)] =
            pictures[static_cast<std::size_t>((n * area + i) * channels + c)];
      }
    }
  }
  return out;
}

TEST_P(ConvolutionTest, EqualsTheDefinitionInBlocks) {
  const Case c = GetParam();
  const bool planes = c.in == 1 || c.in == 3;
  const PictureLayout from = planes ? PictureLayout::kPlanes : PictureLayout::kBlocks;
  const ConvolutionOptions options = {.stride = c.stride,
                                      .padding = c.padding,
                                      .relu = c.relu,
                                      .accumulate = c.accumulate,
                                      .from = from,
                                      .to = PictureLayout::kBlocks};
  Rng rng(4);
  const Weights weights = random_weights(c, rng);
  const auto conv = Convolution::pack(weights.view(), options);
  if (!planes && c.in % 16 != 0) {  // no whole blocks
    MIEN_EXPECT_CODE(conv, StatusCode::kInvalidArgument);
    return;
  }
  MIEN_ASSERT_OK(conv);
  Workspace workspace;
  for (const int count : {1, 2, 1}) {
    std::vector<float> src(static_cast<std::size_t>(count * c.height * c.width * c.in));
    for (float& value : src) value = static_cast<float>(rng.normal());
    const auto area = static_cast<int>(conv->out_size(c.height) * conv->out_size(c.width));
    std::vector<float> before(static_cast<std::size_t>(count * area * c.out));
    for (float& value : before) value = static_cast<float>(rng.normal());
    const auto truth =
        laid_out(plain(c, weights, src, count, before), count, area, c.out, PictureLayout::kBlocks);
    std::vector<float> found = laid_out(before, count, area, c.out, PictureLayout::kBlocks);
    const auto in = laid_out(src, count, c.height * c.width, c.in, from);
    MIEN_ASSERT_OK(conv->run(in.data(), count, c.height, c.width, found.data(), workspace));
    for (std::size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], truth[i], 1e-4F) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ConvolutionTest,
    testing::Values(
        Case{16, 32, 3, 1, 1, 12, 12, true, false}, Case{16, 32, 3, 2, 1, 11, 13, true, false},
        Case{16, 16, 3, 1, 1, 6, 6, true, true}, Case{32, 48, 1, 2, 0, 12, 12, false, false},
        Case{3, 16, 7, 2, 3, 30, 30, true, false}, Case{1, 32, 3, 1, 1, 24, 24, true, false},
        Case{64, 64, 3, 1, 1, 14, 14, true, true}, Case{5, 7, 3, 1, 1, 9, 9, false, true},
        Case{48, 48, 3, 1, 1, 3, 3, true, true}, Case{6, 96, 3, 2, 1, 7, 9, true, false},
        Case{8, 16, 5, 1, 2, 31, 29, true, false}, Case{32, 64, 3, 1, 0, 8, 5, false, false}));

// Weights may have any stored type, and several layers may share a shelf.
TEST_P(ConvolutionTest, StoredTypesGiveTheSameResult) {
  const Case c = GetParam();
  Rng rng(5);
  const Weights weights = random_weights(c, rng);
  std::vector<std::uint16_t> half;
  for (const float value : weights.values.f32()) half.push_back(float_to_half(value));
  Tensor widened(DType::kF32, weights.values.shape());
  for (std::size_t i = 0; i < half.size(); ++i) widened.f32()[i] = half_to_float(half[i]);
  ConvolutionWeights narrow = weights.view();
  narrow.weight = TensorView(DType::kF16, weights.values.shape(), std::as_bytes(std::span(half)));
  ConvolutionWeights wide = weights.view();
  wide.weight = widened;
  const auto shelf = std::make_shared<Shelf>();
  Workspace workspace;
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    // oneDNN has bf16 only for AVX-512.
    if (precision == Precision::kBf16 && active_isa() != Isa::kAvx512) continue;
    ConvolutionOptions options = {.stride = c.stride,
                                  .padding = c.padding,
                                  .relu = c.relu,
                                  .input = precision,
                                  .output = precision};
    const auto own = Convolution::pack(wide, options);
    const auto shared = Convolution::pack(narrow, options, shelf);
    MIEN_ASSERT_OK(own);
    MIEN_ASSERT_OK(shared);
    for (const int side : {c.height, 2 * c.height + 1}) {
      for (const int count : {1, 3}) {
        const auto size = static_cast<std::size_t>(count * side * side * c.in);
        std::vector<float> src(size);
        for (float& value : src) value = static_cast<float>(rng.normal());
        std::vector<std::uint16_t> src16(size);
        to_bf16(src.data(), static_cast<std::int64_t>(size), src16.data());
        const void* from = precision == Precision::kF32 ? static_cast<const void*>(src.data())
                                                        : static_cast<const void*>(src16.data());
        const auto after = shared->out_size(side);
        std::vector<float> one(static_cast<std::size_t>(count * after * after * c.out)), two = one;
        MIEN_ASSERT_OK(shared->run(from, count, side, side, one.data(), workspace));
        MIEN_ASSERT_OK(own->run(from, count, side, side, two.data(), workspace));
        EXPECT_EQ(std::memcmp(one.data(), two.data(), one.size() * sizeof(float)), 0) << side;
      }
    }
  }
}

TEST(FoldBatchNorm, GivesFactorAndShift) {
  const float gain[] = {1.5F, 2}, shift[] = {0.5F, -1}, mean[] = {1, -2}, variance[] = {4, 0.25F};
  const ChannelAffine affine = fold_batch_norm(gain, shift, mean, variance, 0);
  EXPECT_FLOAT_EQ(affine.factor[0], 0.75F);
  EXPECT_FLOAT_EQ(affine.factor[1], 4);
  EXPECT_FLOAT_EQ(affine.shift[0], -0.25F);  // 0.5 - 1 * 0.75
  EXPECT_FLOAT_EQ(affine.shift[1], 7);       // -1 + 2 * 4
}

TEST(Convolution, RejectsMismatchedSizes) {
  const Tensor weight(DType::kF32, {2, 1, 3, 3}), oblong(DType::kF32, {2, 1, 3, 1});
  const Tensor counts(DType::kI64, {2, 1, 3, 3});
  MIEN_EXPECT_CODE(Convolution::pack({.weight = weight, .factor = {1}}, {}),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(Convolution::pack({.weight = weight, .bias = {1, 2, 3}}, {}),
                   StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(Convolution::pack({.weight = oblong}, {}), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(Convolution::pack({.weight = counts}, {.padding = 1}), StatusCode::kUnsupported);
}

TEST(Shelf, GivesEveryPartItsOwnMemory) {
  Shelf shelf;
  std::vector<std::pair<unsigned char*, std::size_t>> parts;
  for (const std::size_t bytes : {1UL, 100UL, 3UL << 20, 20UL << 20, 64UL, 5UL << 20, 9UL << 20}) {
    auto* part = static_cast<unsigned char*>(shelf.take(bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(part) % 64, 0U);
    std::memset(part, static_cast<int>(parts.size() + 1), bytes);
    parts.emplace_back(part, bytes);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(*parts[i].first, i + 1);
    EXPECT_EQ(parts[i].first[parts[i].second - 1], i + 1);
  }
}

}  // namespace
}  // namespace mien::kernels
