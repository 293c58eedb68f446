#include "mien/kernels/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <thread>

#include "kernels/ops.h"
#include "mien/core/rng.h"
#include "mien/kernels/cpu.h"
#include "support/test_support.h"

namespace mien::kernels {
namespace {

std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> out(count);
  for (float& v : out) v = static_cast<float>(rng.normal());
  return out;
}

double activate(double x, Activation activation) {
  switch (activation) {
    case Activation::kNone: return x;
    case Activation::kGelu: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::kGeluTanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kQuickGelu: return x / (1 + std::exp(-1.702 * x));
    case Activation::kRelu: return std::max(x, 0.0);
  }
  return x;
}

struct Case {
  std::int64_t rows, in, out;
};

double reference(const std::vector<float>& x, const std::vector<float>& w,
                 const std::vector<float>& b, const Case& c, std::int64_t r, std::int64_t o) {
  double sum = b.empty() ? 0.0 : static_cast<double>(b[static_cast<std::size_t>(o)]);
  for (std::int64_t i = 0; i < c.in; ++i) {
    sum += static_cast<double>(x[static_cast<std::size_t>(r * c.in + i)]) *
           static_cast<double>(w[static_cast<std::size_t>(o * c.in + i)]);
  }
  return sum;
}

TEST(Linear, MatchesTheDefinitionForEveryActivationAndShape) {
  const Case cases[] = {{1, 1, 1},    {3, 5, 7},    {50, 64, 192},
                        {17, 48, 16}, {2, 769, 31}, {5, 128, 192}};
  for (const Case& c : cases) {
    const auto x = random_values(static_cast<std::size_t>(c.rows * c.in), 1);
    const auto w = random_values(static_cast<std::size_t>(c.out * c.in), 2);
    const auto b = random_values(static_cast<std::size_t>(c.out), 3);
    const Tensor weight = Tensor::from_f32({c.out, c.in}, w);
    const Tensor bias_tensor = Tensor::from_f32({c.out}, b);
    const TensorView bias = bias_tensor.view();
    for (const Activation a : {Activation::kNone, Activation::kGelu, Activation::kGeluTanh,
                               Activation::kQuickGelu, Activation::kRelu}) {
      const auto linear = Linear::pack(weight, &bias, {.activation = a});
      MIEN_ASSERT_OK(linear);
      Workspace workspace;
      std::vector<float> y(static_cast<std::size_t>(c.rows * c.out));
      MIEN_ASSERT_OK(linear->run(x.data(), c.rows, y.data(), workspace));
      for (std::int64_t r = 0; r < c.rows; ++r) {
        for (std::int64_t o = 0; o < c.out; ++o) {
          const double want = activate(reference(x, w, b, c, r, o), a);
          ASSERT_NEAR(y[static_cast<std::size_t>(r * c.out + o)], want,
                      1e-4 * (1 + std::abs(want)));
        }
      }
    }
  }
}

TEST(Linear, AccumulatesAndReadsTransposedWeights) {
  const Case c{6, 10, 4};
  const auto x = random_values(60, 1);
  const auto w = random_values(40, 2);
  std::vector<float> transposed(40);
  for (std::size_t o = 0; o < 4; ++o) {
    for (std::size_t i = 0; i < 10; ++i) transposed[i * 4 + o] = w[o * 10 + i];
  }
  const auto linear = Linear::pack(Tensor::from_f32({10, 4}, transposed), nullptr,
                                   {.accumulate = true, .weight_is_in_out = true});
  MIEN_ASSERT_OK(linear);
  EXPECT_EQ(linear->in(), 10);
  EXPECT_EQ(linear->out(), 4);
  std::vector<float> y(24, 2.0F);
  Workspace workspace;
  MIEN_ASSERT_OK(linear->run(x.data(), 6, y.data(), workspace));
  EXPECT_NEAR(y[4 * 3 + 2], 2.0 + reference(x, w, {}, c, 3, 2), 1e-4);
}

TEST(Linear, Bf16IsCloseToFp32) {
  if (active_isa() != Isa::kAvx512) GTEST_SKIP() << "oneDNN has bf16 for AVX-512 only";
  const Case c{20, 256, 96};
  const auto x = random_values(static_cast<std::size_t>(c.rows * c.in), 4);
  const auto w = random_values(static_cast<std::size_t>(c.out * c.in), 5);
  const auto linear = Linear::pack(Tensor::from_f32({c.out, c.in}, w), nullptr,
                                   {.input = Precision::kBf16, .output = Precision::kF32});
  MIEN_ASSERT_OK(linear);
  std::vector<std::uint16_t> x16(x.size());
  to_bf16(x.data(), static_cast<std::int64_t>(x.size()), x16.data());
  std::vector<float> y(static_cast<std::size_t>(c.rows * c.out));
  Workspace workspace;
  MIEN_ASSERT_OK(linear->run(x16.data(), c.rows, y.data(), workspace));
  for (std::int64_t r = 0; r < c.rows; ++r) {
    for (std::int64_t o = 0; o < c.out; ++o) {
      EXPECT_NEAR(y[static_cast<std::size_t>(r * c.out + o)], reference(x, w, {}, c, r, o), 0.4);
    }
  }
}

TEST(Linear, Bf16PackingKeepsEveryWeight) {
  if (active_isa() != Isa::kAvx512) GTEST_SKIP() << "oneDNN has bf16 for AVX-512 only";
  // One input at a time reads back one column of the weights; with sizes that allow the fast
  // packing and sizes that do not.
  for (const std::int64_t out : {64, 192, 65}) {
    const std::int64_t in = 48;
    const auto w = random_values(static_cast<std::size_t>(out * in), 8);
    const auto linear =
        Linear::pack(Tensor::from_f32({out, in}, w), nullptr, {.input = Precision::kBf16});
    MIEN_ASSERT_OK(linear);
    std::vector<std::uint16_t> unit(static_cast<std::size_t>(in * in));
    for (std::int64_t i = 0; i < in; ++i)
      unit[static_cast<std::size_t>(i * in + i)] = float_to_bf16(1.0F);
    std::vector<float> y(static_cast<std::size_t>(in * out));
    Workspace workspace;
    MIEN_ASSERT_OK(linear->run(unit.data(), in, y.data(), workspace));
    for (std::int64_t i = 0; i < in; ++i) {
      for (std::int64_t o = 0; o < out; ++o) {
        ASSERT_EQ(y[static_cast<std::size_t>(i * out + o)],
                  bf16_to_float(float_to_bf16(w[static_cast<std::size_t>(o * in + i)])));
      }
    }
  }
}

TEST(Linear, HalfPrecisionWeightsAreWidened) {
  Tensor half(DType::kF16, {1, 2});
  const std::uint16_t bits[2] = {float_to_half(1.5F), float_to_half(-2.0F)};
  std::memcpy(half.mutable_bytes().data(), bits, 4);
  const auto linear = Linear::pack(half, nullptr, {});
  MIEN_ASSERT_OK(linear);
  const float x[2] = {2, 1};
  float y = 0;
  Workspace workspace;
  MIEN_ASSERT_OK(linear->run(x, 1, &y, workspace));
  EXPECT_EQ(y, 1.0F);
}

TEST(Linear, RejectsShapesThatDoNotFit) {
  const Tensor vector(DType::kF32, {4});
  MIEN_EXPECT_CODE(Linear::pack(vector, nullptr, {}), StatusCode::kInvalidArgument);
  const Tensor weight(DType::kF32, {4, 3});
  const Tensor bias(DType::kF32, {3});
  const TensorView bias_view = bias.view();
  MIEN_EXPECT_CODE(Linear::pack(weight, &bias_view, {}), StatusCode::kInvalidArgument);
  MIEN_EXPECT_CODE(Linear::pack(Tensor(DType::kI64, {4, 3}), nullptr, {}),
                   StatusCode::kUnsupported);
}

TEST(Linear, IsSharedByThreads) {
  const auto w = random_values(32 * 32, 6);
  const auto linear = Linear::pack(Tensor::from_f32({32, 32}, w), nullptr, {});
  MIEN_ASSERT_OK(linear);
  const auto x = random_values(32 * 40, 7);
  std::vector<float> want(32 * 40);
  Workspace workspace;
  for (std::int64_t rows = 40; rows >= 1; --rows) {
    MIEN_ASSERT_OK(linear->run(x.data(), rows, want.data(), workspace));
  }
  std::vector<std::vector<float>> got(4, std::vector<float>(32 * 40));
  std::vector<std::thread> workers;
  for (auto& y : got) {
    workers.emplace_back([&] {
      Workspace own;
      for (std::int64_t rows = 40; rows >= 1; --rows) {
        if (!linear->run(x.data(), rows, y.data(), own).ok()) y.clear();
      }
    });
  }
  for (auto& worker : workers) worker.join();
  for (const auto& y : got) EXPECT_EQ(y, want);
}

}  // namespace
}  // namespace mien::kernels
