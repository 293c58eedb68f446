// Sizes at the edges of tiles, panels and blocks, in both orders of the weight, against the
// definition in double.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/direct_linear.h"
#include "kernels/ops.h"
#include "mien/core/rng.h"
#include "mien/kernels/cpu.h"
#include "mien/tensor/tensor.h"

namespace mien::kernels {
namespace {

std::vector<float> normal(std::int64_t count, Rng& rng, double scale) {
  std::vector<float> out;
  for (std::int64_t i = 0; i < count; ++i) out.push_back(static_cast<float>(scale * rng.normal()));
  return out;
}

// Values as a layer of this type stores them.
std::vector<double> rounded(const std::vector<float>& values, Precision precision) {
  std::vector<double> out(values.begin(), values.end());
  if (precision == Precision::kF32) return out;
  std::vector<std::uint16_t> narrow(values.size());
  to_bf16(values.data(), std::ssize(values), narrow.data());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<double>(bf16_to_float(narrow[i]));
  }
  return out;
}

TEST(DirectLinear, EqualsTheDefinition) {
  struct Case {
    std::int64_t rows, in, out;
    bool in_out, accumulate;
  };
  Rng rng(1);
  int served = 0;
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    for (const auto& [rows, in, out, in_out, accumulate] :
         {Case{1, 16, 48, false, false}, Case{9, 30, 96, true, false},
          Case{10, 64, 64, false, true}, Case{7, 34, 16, false, false},
          Case{323, 48, 144, false, true}, Case{200, 1200, 32, true, false},
          Case{611, 300, 96, false, false}, Case{5, 1700, 2064, false, true}}) {
      const LinearOptions options = {
          .accumulate = accumulate, .input = precision, .weight_is_in_out = in_out};
      if (!DirectLinear::serves(options, in, out)) continue;
      ++served;
      const auto weight = normal(in * out, rng, 1 / std::sqrt(static_cast<double>(in)));
      const auto bias = normal(out, rng, 1), src = normal(rows * in, rng, 1);
      const auto before = normal(rows * out, rng, 1);
      std::vector<std::uint16_t> narrow(src.size());
      to_bf16(src.data(), std::ssize(src), narrow.data());
      const void* from = precision == Precision::kF32 ? static_cast<const void*>(src.data())
                                                      : static_cast<const void*>(narrow.data());
      const auto linear = DirectLinear::pack(weight.data(), bias, in, out, options);
      const auto w = rounded(weight, precision), x = rounded(src, precision);
      std::vector<double> truth;
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t o = 0; o < out; ++o) {
          double sum = static_cast<double>(bias[static_cast<std::size_t>(o)]);
          for (std::int64_t i = 0; i < in; ++i) {
            sum += w[static_cast<std::size_t>(in_out ? i * out + o : o * in + i)] *
                   x[static_cast<std::size_t>(r * in + i)];
          }
          if (accumulate) sum += static_cast<double>(before[truth.size()]);
          truth.push_back(sum);
        }
      }
      for (const int threads : {1, 2, 3}) {
        set_threads(threads);
        std::vector<float> dst = before;
        linear.run(from, rows, dst.data());
        set_threads(0);
        for (std::size_t i = 0; i < truth.size(); ++i) {
          ASSERT_NEAR(static_cast<double>(dst[i]), truth[i], 2e-5) << i << ", threads " << threads;
        }
      }
    }
  }
  if (served == 0) GTEST_SKIP() << "needs AVX-512";
}

TEST(DirectLinear, ServesOnlyWholeGroups) {
  EXPECT_FALSE(DirectLinear::serves({}, 8, 7));
  EXPECT_FALSE(DirectLinear::serves({.input = Precision::kBf16}, 7, 48));
  EXPECT_FALSE(DirectLinear::serves({.input = Precision::kInt8}, 8, 48));
}

}  // namespace
}  // namespace mien::kernels
