#include "kernels/int8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/int8_linear.h"
#include "kernels/ops.h"
#include "mien/core/rng.h"
#include "support/test_support.h"

namespace mien::kernels {
namespace {

std::vector<float> random_values(std::size_t count, std::uint64_t seed, double scale = 1.0) {
  Rng rng(seed);
  std::vector<float> out(count);
  for (float& v : out) v = static_cast<float>(rng.normal() * scale);
  return out;
}

std::vector<Isa> available() {
  std::vector<Isa> out;
  for (const Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512}) {
    if (isa <= detect_isa()) out.push_back(isa);
  }
  return out;
}

/// Quantised rows as an instruction set writes them, decoded.
struct Rows {
  std::vector<std::byte> bytes;
  std::int64_t each = 0;
  Int8Layout layout = Int8Layout::kPairs;

  RowHead head(std::int64_t row) const {
    RowHead out;
    std::memcpy(&out, bytes.data() + row * each, sizeof(out));
    return out;
  }
  int value(std::int64_t row, std::int64_t i) const {
    const std::byte* from = bytes.data() + row * each + kRowHead;
    if (layout == Int8Layout::kQuads) return static_cast<int>(from[i]);
    std::uint16_t wide;
    std::memcpy(&wide, from + 2 * i, sizeof(wide));
    return wide;
  }
  float real(std::int64_t row, std::int64_t i) const {
    return head(row).scale * static_cast<float>(value(row, i) - head(row).zero);
  }
};

Rows quantise(Isa isa, const void* x, Precision type, std::int64_t rows, std::int64_t width) {
  Rows out;
  out.layout = int8_layout(isa);
  out.each = row_bytes(width, out.layout);
  out.bytes.resize(static_cast<std::size_t>(out.each * rows));
  quantise_rows_on(isa, x, type, rows, width, out.bytes.data());
  return out;
}

TEST(Int8, RowsComeBackWithinHalfAStep) {
  for (const std::int64_t width : {1, 3, 16, 63, 768}) {
    auto x = random_values(static_cast<std::size_t>(3 * width), 7, 5.0);
    for (std::int64_t i = 0; i < width; ++i) {
      x[static_cast<std::size_t>(width + i)] = std::abs(x[static_cast<std::size_t>(width + i)]);
    }
    for (const Isa isa : available()) {
      const Rows rows = quantise(isa, x.data(), Precision::kF32, 3, width);
      for (std::int64_t r = 0; r < 3; ++r) {
        EXPECT_GE(rows.head(r).zero, 0);
        EXPECT_LE(rows.head(r).zero, 255);
        for (std::int64_t i = 0; i < width; ++i) {
          ASSERT_NEAR(rows.real(r, i), x[static_cast<std::size_t>(r * width + i)],
                      rows.head(r).scale * 1.001F)
              << to_string(isa) << " " << width;
          // Away from the ends of the range the error is half a step.
          if (rows.value(r, i) > 0 && rows.value(r, i) < 255) {
            ASSERT_NEAR(rows.real(r, i), x[static_cast<std::size_t>(r * width + i)],
                        rows.head(r).scale * 0.501F);
          }
        }
      }
    }
  }
}

TEST(Int8, RowsOfZerosStayZeroAndZeroIsExact) {
  const float x[2][4] = {{0, 0, 0, 0}, {0, -3, 5, 0}};
  for (const Isa isa : available()) {
    const Rows rows = quantise(isa, x, Precision::kF32, 2, 4);
    for (std::int64_t i = 0; i < 4; ++i) EXPECT_EQ(rows.real(0, i), 0.0F);
    EXPECT_EQ(rows.real(1, 0), 0.0F);
    EXPECT_EQ(rows.real(1, 3), 0.0F);
  }
}

TEST(Int8, Bf16RowsEqualTheirFloats) {
  const auto x = random_values(2 * 45, 3);
  std::vector<std::uint16_t> narrow(x.size());
  to_bf16(x.data(), 90, narrow.data());
  std::vector<float> wide(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) wide[i] = bf16_to_float(narrow[i]);
  for (const Isa isa : available()) {
    EXPECT_EQ(quantise(isa, narrow.data(), Precision::kBf16, 2, 45).bytes,
              quantise(isa, wide.data(), Precision::kF32, 2, 45).bytes);
  }
}

TEST(Int8, LayerNormQuantisesItsFloatOutput) {
  const auto x = random_values(3 * 100, 5, 2.0);
  const auto gain = random_values(100, 6);
  const auto bias = random_values(100, 7);
  for (const Isa isa : available()) {
    std::vector<float> plain(x.size());
    LayerNormArgs args{
        .x = x.data(), .rows = 3, .width = 100, .gain = gain.data(), .bias = bias.data()};
    args.out = plain.data();
    layer_norm_on(isa, args);
    Rows got = quantise(isa, plain.data(), Precision::kF32, 3, 100);
    const Rows want = got;
    args.out = got.bytes.data();
    args.output = Precision::kInt8;
    layer_norm_on(isa, args);
    for (std::int64_t r = 0; r < 3; ++r) {
      EXPECT_NEAR(got.head(r).scale, want.head(r).scale, 1e-6F * want.head(r).scale);
      for (std::int64_t i = 0; i < 100; ++i) {
        ASSERT_NEAR(got.real(r, i), want.real(r, i), want.head(r).scale * 1.01F);
      }
    }
  }
}

TEST(Int8, SumsAreExactOnEveryIsaForExtremeValues) {
  const std::int64_t depth = 772;
  for (const Isa isa : available()) {
    const bool quads = int8_layout(isa) == Int8Layout::kQuads;
    const std::int64_t group = quads ? 4 : 2, element = quads ? 1 : 2;
    const std::int64_t stride = row_bytes(depth, int8_layout(isa));
    std::vector<std::byte> rows(static_cast<std::size_t>(kTileRows * stride));
    std::vector<std::byte> panel(static_cast<std::size_t>(depth * kPanel * element));
    const auto x = [](std::int64_t r, std::int64_t k) {
      return (k + r) % 3 == 0 ? (r * 37 + k) % 256 : 255;
    };
    const auto w = [](std::int64_t k, std::int64_t c) {
      return c == 0 ? 127 : c == 1 ? -127 : (k * 31 + c * 17) % 255 - 127;
    };
    for (std::int64_t k = 0; k < depth; ++k) {
      for (std::int64_t r = 0; r < kTileRows; ++r) {
        const auto value = static_cast<std::uint16_t>(x(r, k));
        std::memcpy(rows.data() + r * stride + k * element, &value,
                    static_cast<std::size_t>(element));
      }
      for (std::int64_t c = 0; c < kPanel; ++c) {
        const auto value = static_cast<std::int16_t>(w(k, c));
        std::memcpy(panel.data() + ((k / group * kPanel + c) * group + k % group) * element, &value,
                    static_cast<std::size_t>(element));
      }
    }
    for (std::int64_t count = 1; count <= kTileRows; ++count) {
      std::vector<std::int32_t> sums(static_cast<std::size_t>(kTileRows * kPanel), -1);
      int8_dot(isa)(rows.data(), stride, count, panel.data(), depth, sums.data(), {});
      for (std::int64_t r = 0; r < kTileRows; ++r) {
        for (std::int64_t c = 0; c < kPanel; ++c) {
          std::int64_t want = r < count ? 0 : -1;
          for (std::int64_t k = 0; r < count && k < depth; ++k) want += x(r, k) * w(k, c);
          ASSERT_EQ(sums[static_cast<std::size_t>(r * kPanel + c)], want) << to_string(isa);
        }
      }
    }
  }
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

// From the quantised rows and weights in double precision: the kernels are exact except for float32
// rounding.
TEST(Int8, ProductMatchesTheDefinitionOnEveryIsa) {
  struct Case {
    std::int64_t rows, in, out;
  };
  for (const Case& c : {Case{1, 1, 1}, {3, 5, 7}, {50, 64, 192}, {17, 47, 66}, {200, 130, 70}}) {
    const auto x = random_values(static_cast<std::size_t>(c.rows * c.in), 1, 3.0);
    const auto weight = random_values(static_cast<std::size_t>(c.out * c.in), 2);
    const auto bias = random_values(static_cast<std::size_t>(c.out), 3);
    const auto scales = int8_scales(weight, c.out);
    for (const Isa isa : available()) {
      const Rows rows = quantise(isa, x.data(), Precision::kF32, c.rows, c.in);
      for (const Activation a : {Activation::kNone, Activation::kGelu, Activation::kGeluTanh,
                                 Activation::kQuickGelu, Activation::kRelu}) {
        const auto linear = Int8Linear::pack(
            {.weight = weight.data(), .out = c.out, .in = c.in, .bias = bias.data()},
            {.activation = a, .accumulate = true}, isa);
        std::vector<float> y(static_cast<std::size_t>(c.rows * c.out), 2.0F);
        linear.run(rows.bytes.data(), c.rows, y.data());
        for (std::int64_t r = 0; r < c.rows; ++r) {
          for (std::int64_t o = 0; o < c.out; ++o) {
            const double scale = static_cast<double>(scales[static_cast<std::size_t>(o)]);
            double sum = static_cast<double>(bias[static_cast<std::size_t>(o)]);
            for (std::int64_t i = 0; i < c.in; ++i) {
              const double w = static_cast<double>(weight[static_cast<std::size_t>(o * c.in + i)]);
              sum += static_cast<double>(rows.real(r, i)) * scale * std::nearbyint(w / scale);
            }
            const double want = 2 + activate(sum, a);
            ASSERT_NEAR(y[static_cast<std::size_t>(r * c.out + o)], want,
                        2e-5 * (1 + std::abs(sum)))
                << to_string(isa) << " " << c.rows << "x" << c.in << "x" << c.out;
          }
        }
      }
    }
  }
}

TEST(Int8, LinearIsCloseToFp32) {
  const std::int64_t rows = 40, in = 256, out = 96;
  const auto x = random_values(static_cast<std::size_t>(rows * in), 4);
  const auto w = random_values(static_cast<std::size_t>(out * in), 5);
  const Tensor weight = Tensor::from_f32({out, in}, w);
  const auto exact = Linear::pack(weight, nullptr, {});
  const auto linear = Linear::pack(weight, nullptr, {.input = Precision::kInt8});
  MIEN_ASSERT_OK(exact);
  MIEN_ASSERT_OK(linear);
  EXPECT_EQ(linear->in(), in);
  EXPECT_EQ(linear->out(), out);
  Workspace workspace;
  std::vector<float> want(static_cast<std::size_t>(rows * out)), got(want.size());
  MIEN_ASSERT_OK(exact->run(x.data(), rows, want.data(), workspace));
  std::vector<std::byte> quantised(
      static_cast<std::size_t>(bytes_of_rows(Precision::kInt8, rows, in)));
  quantise_rows(x.data(), Precision::kF32, rows, in, quantised.data());
  MIEN_ASSERT_OK(linear->run(quantised.data(), rows, got.data(), workspace));
  double error = 0, size = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    error += std::pow(static_cast<double>(got[i]) - static_cast<double>(want[i]), 2);
    size += std::pow(static_cast<double>(want[i]), 2);
  }
  EXPECT_LT(std::sqrt(error / size), 0.015);
}

TEST(Int8, ReadsTransposedWeightsAndWritesBf16) {
  const auto x = random_values(6 * 10, 1);
  const auto w = random_values(70 * 10, 2);
  std::vector<float> transposed(w.size());
  for (std::size_t o = 0; o < 70; ++o) {
    for (std::size_t i = 0; i < 10; ++i) transposed[i * 70 + o] = w[o * 10 + i];
  }
  const auto plain =
      Linear::pack(Tensor::from_f32({70, 10}, w), nullptr, {.input = Precision::kInt8});
  const auto turned = Linear::pack(
      Tensor::from_f32({10, 70}, transposed), nullptr,
      {.input = Precision::kInt8, .output = Precision::kBf16, .weight_is_in_out = true});
  MIEN_ASSERT_OK(plain);
  MIEN_ASSERT_OK(turned);
  std::vector<std::byte> rows(static_cast<std::size_t>(6 * quantised_row_bytes(10)));
  quantise_rows(x.data(), Precision::kF32, 6, 10, rows.data());
  std::vector<float> wide(6 * 70);
  std::vector<std::uint16_t> narrow(wide.size());
  Workspace workspace;
  MIEN_ASSERT_OK(plain->run(rows.data(), 6, wide.data(), workspace));
  MIEN_ASSERT_OK(turned->run(rows.data(), 6, narrow.data(), workspace));
  for (std::size_t i = 0; i < wide.size(); ++i) ASSERT_EQ(narrow[i], float_to_bf16(wide[i])) << i;
}

TEST(Int8, StoredIntegersEqualQuantisingAtLoad) {
  const std::int64_t in = 33, out = 65;
  const auto w = random_values(static_cast<std::size_t>(in * out), 9);
  const auto scales = int8_scales(w, out);
  Tensor stored(DType::kI8, {out, in});
  auto* steps = reinterpret_cast<std::int8_t*>(stored.mutable_bytes().data());
  std::vector<float> rounded(w.size());
  for (std::size_t i = 0; i < w.size(); ++i) {
    const float scale = scales[i / static_cast<std::size_t>(in)];
    steps[i] = static_cast<std::int8_t>(std::nearbyint(w[i] / scale));
    rounded[i] = static_cast<float>(steps[i]) * scale;
  }
  const auto x = random_values(static_cast<std::size_t>(8 * in), 10);
  std::vector<std::byte> rows(static_cast<std::size_t>(8 * quantised_row_bytes(in)));
  quantise_rows(x.data(), Precision::kF32, 8, in, rows.data());
  Workspace workspace;
  const auto run = [&](const TensorView& weight, const LinearOptions& options, const void* from) {
    const auto linear = Linear::pack(weight, nullptr, options);
    EXPECT_TRUE(linear.ok());
    std::vector<float> y(static_cast<std::size_t>(8 * out));
    EXPECT_TRUE(linear.ok() && linear->run(from, 8, y.data(), workspace).ok());
    return y;
  };
  EXPECT_EQ(run(stored, {.input = Precision::kInt8, .scales = scales}, rows.data()),
            run(Tensor::from_f32({out, in}, w), {.input = Precision::kInt8}, rows.data()));
  EXPECT_EQ(run(stored, {.scales = scales}, x.data()),
            run(Tensor::from_f32({out, in}, rounded), {}, x.data()));
}

TEST(Int8, RejectsMismatchedSizes) {
  const Tensor stored(DType::kI8, {4, 3});
  const std::vector<float> three(3, 1.0F);
  MIEN_EXPECT_CODE(Linear::pack(stored, nullptr, {}), StatusCode::kUnsupported);
  MIEN_EXPECT_CODE(Linear::pack(stored, nullptr, {.input = Precision::kInt8, .scales = three}),
                   StatusCode::kInvalidArgument);
  const Tensor deep(DType::kF32, {1, kInt8MaxDepth + 1});
  MIEN_EXPECT_CODE(Linear::pack(deep, nullptr, {.input = Precision::kInt8}),
                   StatusCode::kUnsupported);
}

TEST(Int8, ScalesOfZerosAndNansAreUsable) {
  const float inf = std::numeric_limits<float>::infinity();
  const auto scales = int8_scales(std::vector<float>{0, 0, 254, -127, inf, 1}, 3);
  EXPECT_EQ(scales, (std::vector<float>{1, 2, 1}));
}

}  // namespace
}  // namespace mien::kernels
