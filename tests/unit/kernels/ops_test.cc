#include "kernels/ops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "mien/core/rng.h"
#include "mien/tensor/tensor.h"
#include "support/test_support.h"

namespace mien::kernels {
namespace {

std::vector<Isa> available() {
  std::vector<Isa> out;
  for (const Isa isa : {Isa::kGeneric, Isa::kAvx2, Isa::kAvx512}) {
    if (isa <= detect_isa()) out.push_back(isa);
  }
  return out;
}

std::vector<float> random_values(std::size_t count, std::uint64_t seed, double scale = 1) {
  Rng rng(seed);
  std::vector<float> out(count);
  for (float& v : out) v = static_cast<float>(scale * rng.normal());
  return out;
}

std::vector<double> attention_reference(const std::vector<float>& qkv, std::size_t tokens,
                                        std::size_t heads, std::size_t width, bool causal) {
  const std::size_t model = heads * width;
  std::vector<double> out(tokens * model);
  for (std::size_t h = 0; h < heads; ++h) {
    for (std::size_t i = 0; i < tokens; ++i) {
      const std::size_t seen = causal ? i + 1 : tokens;
      std::vector<double> weight(seen);
      double top = -1e300;
      for (std::size_t j = 0; j < seen; ++j) {
        double dot = 0;
        for (std::size_t d = 0; d < width; ++d) {
          dot += static_cast<double>(qkv[i * 3 * model + h * width + d]) *
                 static_cast<double>(qkv[j * 3 * model + model + h * width + d]);
        }
        weight[j] = dot / std::sqrt(static_cast<double>(width));
        top = std::max(top, weight[j]);
      }
      double total = 0;
      for (double& w : weight) total += w = std::exp(w - top);
      for (std::size_t j = 0; j < seen; ++j) {
        for (std::size_t d = 0; d < width; ++d) {
          out[i * model + h * width + d] +=
              weight[j] / total *
              static_cast<double>(qkv[j * 3 * model + 2 * model + h * width + d]);
        }
      }
    }
  }
  return out;
}

TEST(Attention, MatchesTheDefinitionOnEveryIsa) {
  struct Case {
    std::size_t tokens, heads, width;
  };
  for (const Case c : {Case{1, 1, 16}, Case{7, 2, 16}, Case{50, 3, 64}, Case{77, 2, 32},
                       Case{33, 1, 2048}, Case{197, 1, 64}, Case{25, 1, 48}}) {
    for (const bool causal : {false, true}) {
      const auto qkv = random_values(c.tokens * 3 * c.heads * c.width, 11, 0.7);
      const auto want = attention_reference(qkv, c.tokens, c.heads, c.width, causal);
      for (const Isa isa : available()) {
        std::vector<float> got(want.size(), NAN);
        Workspace workspace;
        attention_on(isa,
                     {.qkv = qkv.data(),
                      .batch = 1,
                      .tokens = static_cast<std::int64_t>(c.tokens),
                      .heads = static_cast<std::int64_t>(c.heads),
                      .head_width = static_cast<std::int64_t>(c.width),
                      .causal = causal,
                      .out = got.data()},
                     workspace);
        for (std::size_t i = 0; i < want.size(); ++i) {
          ASSERT_NEAR(got[i], want[i], 1e-5 * (1 + std::abs(want[i])))
              << to_string(isa) << " tokens " << c.tokens << " causal " << causal << " at " << i;
        }
      }
    }
  }
}

TEST(Attention, AddsTheBiasOfEveryWindowOnEveryIsa) {
  constexpr std::size_t kTokens = 9, kPadded = 16, kHeads = 2, kWidth = 16, kWindows = 3;
  constexpr std::size_t kModel = kHeads * kWidth;
  const auto qkv = random_values(2 * kWindows * kTokens * 3 * kModel, 17, 0.7);
  auto bias = random_values(2 * kHeads * kTokens * kPadded, 18, 2.0);
  for (std::size_t i = 0; i < bias.size(); ++i) {
    if (i % kPadded >= kTokens) bias[i] = 0;
  }
  const std::vector<std::int32_t> bias_of = {1, 0, 1};
  for (const Isa isa : available()) {
    std::vector<float> got(2 * kWindows * kTokens * kModel, NAN);
    Workspace workspace;
    attention_on(isa,
                 {.qkv = qkv.data(),
                  .batch = 2 * kWindows,
                  .tokens = kTokens,
                  .heads = kHeads,
                  .head_width = kWidth,
                  .bias = bias.data(),
                  .bias_of = bias_of.data(),
                  .bias_period = kWindows,
                  .out = got.data()},
                 workspace);
    for (std::size_t at = 0; at < got.size(); ++at) {
      const std::size_t b = at / (kTokens * kModel), i = at / kModel % kTokens;
      const std::size_t h = at % kModel / kWidth, d = at % kWidth;
      const auto value = [&](std::size_t token, std::size_t third, std::size_t k) {
        const std::size_t row = (b * kTokens + token) * 3 * kModel;
        return static_cast<double>(qkv[row + third * kModel + h * kWidth + k]);
      };
      const auto table = static_cast<std::size_t>(bias_of[b % kWindows]);
      double total = 0, sum = 0;
      for (std::size_t j = 0; j < kTokens; ++j) {
        double score =
            static_cast<double>(bias[((table * kHeads + h) * kTokens + i) * kPadded + j]);
        for (std::size_t k = 0; k < kWidth; ++k) score += value(i, 0, k) * value(j, 1, k) / 4;
        total += std::exp(score);
        sum += std::exp(score) * value(j, 2, d);
      }
      ASSERT_NEAR(got[at], sum / total, 2e-5) << to_string(isa) << " at " << at;
    }
  }
}

TEST(Attention, FirstQueriesGiveTheSameRowsAsAll) {
  const auto qkv = random_values(2 * 30 * 3 * 32, 9);
  for (const Isa isa : available()) {
    AttentionArgs args{.qkv = qkv.data(), .batch = 2, .tokens = 30, .heads = 2, .head_width = 16};
    std::vector<float> whole(2 * 30 * 32);
    std::vector<float> first(2 * 32);
    Workspace workspace;
    args.out = whole.data();
    attention_on(isa, args, workspace);
    args.out = first.data();
    args.queries = 1;
    attention_on(isa, args, workspace);
    for (std::size_t b = 0; b < 2; ++b) {
      for (std::size_t i = 0; i < 32; ++i)
        ASSERT_NEAR(first[b * 32 + i], whole[b * 30 * 32 + i], 1e-6);
    }
  }
}

TEST(Attention, SurvivesHugeScores) {
  const auto qkv = random_values(20 * 3 * 16, 3, 300.0);
  for (const Isa isa : available()) {
    std::vector<float> got(20 * 16);
    Workspace workspace;
    attention_on(isa,
                 {.qkv = qkv.data(),
                  .batch = 1,
                  .tokens = 20,
                  .heads = 1,
                  .head_width = 16,
                  .out = got.data()},
                 workspace);
    for (const float v : got) ASSERT_TRUE(std::isfinite(v));
  }
}

// The reference is the generic kernel on the same rounded values.
TEST(Attention, Bf16InputIsCloseToTheGenericKernel) {
  if (attention_input(Precision::kBf16) != Precision::kBf16) {
    GTEST_SKIP() << "this CPU multiplies no bf16";
  }
  struct Case {
    std::int64_t tokens, heads, width, queries;
    bool causal, bias;
  };
  for (const Case& c : {Case{1, 1, 16, 1, false, false}, Case{7, 2, 16, 7, true, false},
                        Case{50, 3, 64, 50, false, false}, Case{77, 2, 32, 77, true, false},
                        Case{33, 1, 256, 33, false, false}, Case{197, 2, 64, 197, false, false},
                        Case{197, 2, 64, 1, false, false}, Case{25, 1, 48, 25, true, false},
                        Case{9, 3, 16, 9, false, true}, Case{49, 2, 32, 49, false, true}}) {
    const std::int64_t model = c.heads * c.width, padded = (c.tokens + 15) / 16 * 16;
    auto wide = random_values(static_cast<std::size_t>(2 * c.tokens * 3 * model), 5);
    std::vector<std::uint16_t> narrow(wide.size());
    to_bf16(wide.data(), std::ssize(wide), narrow.data());
    for (std::size_t i = 0; i < wide.size(); ++i) wide[i] = bf16_to_float(narrow[i]);
    auto bias = random_values(static_cast<std::size_t>(c.heads * c.tokens * padded), 6);
    for (std::size_t i = 0; i < bias.size(); ++i) {
      if (static_cast<std::int64_t>(i) % padded >= c.tokens) bias[i] = 0;
    }
    AttentionArgs args{.batch = 2,
                       .tokens = c.tokens,
                       .heads = c.heads,
                       .head_width = c.width,
                       .causal = c.causal,
                       .queries = c.queries,
                       .bias = c.bias ? bias.data() : nullptr};
    std::vector<float> want(static_cast<std::size_t>(2 * c.queries * model)), got(want.size(), NAN);
    Workspace workspace;
    args.qkv = wide.data();
    args.out = want.data();
    attention_on(Isa::kGeneric, args, workspace);
    args.qkv = narrow.data();
    args.input = Precision::kBf16;
    args.out = got.data();
    attention(args, workspace);
    for (std::size_t i = 0; i < want.size(); ++i) {
      // Weights are rounded to 8 bits: 2^-9 of the largest value, which is about 4.
      ASSERT_NEAR(got[i], want[i], 0.01) << c.tokens << " " << c.width << " at " << i;
    }
  }
}

TEST(Attention, Bf16InputSurvivesHugeScores) {
  if (attention_input(Precision::kBf16) != Precision::kBf16) {
    GTEST_SKIP() << "this CPU multiplies no bf16";
  }
  const auto wide = random_values(20 * 3 * 16, 3, 300.0);
  std::vector<std::uint16_t> narrow(wide.size());
  to_bf16(wide.data(), std::ssize(wide), narrow.data());
  std::vector<float> got(20 * 16);
  Workspace workspace;
  attention({.qkv = narrow.data(),
             .input = Precision::kBf16,
             .batch = 1,
             .tokens = 20,
             .heads = 1,
             .head_width = 16,
             .out = got.data()},
            workspace);
  for (const float v : got) ASSERT_TRUE(std::isfinite(v));
}

TEST(Attention, Bf16OutputIsTheRoundedFloatOutput) {
  const auto qkv = random_values(2 * 9 * 3 * 64, 5);
  for (const Isa isa : available()) {
    AttentionArgs args{.qkv = qkv.data(), .batch = 2, .tokens = 9, .heads = 4, .head_width = 16};
    std::vector<float> wide(2 * 9 * 64);
    std::vector<std::uint16_t> narrow(wide.size());
    Workspace workspace;
    args.out = wide.data();
    attention_on(isa, args, workspace);
    args.out = narrow.data();
    args.output = Precision::kBf16;
    attention_on(isa, args, workspace);
    for (std::size_t i = 0; i < wide.size(); ++i) ASSERT_EQ(narrow[i], float_to_bf16(wide[i]));
  }
}

TEST(LayerNorm, MatchesTheDefinitionOnEveryIsa) {
  for (const std::int64_t width : {1, 5, 16, 100, 768, 769}) {
    const std::int64_t rows = 3;
    const auto count = static_cast<std::size_t>(width);
    auto x = random_values(count * 3, 21, 4.0);
    for (float& v : x) v += 3.0F;
    const auto gain = random_values(count, 22);
    const auto bias = random_values(count, 23);
    for (const Isa isa : available()) {
      std::vector<float> got(x.size());
      std::vector<std::uint16_t> narrow(x.size());
      LayerNormArgs args{
          .x = x.data(), .rows = rows, .width = width, .gain = gain.data(), .bias = bias.data()};
      args.out = got.data();
      layer_norm_on(isa, args);
      args.out = narrow.data();
      args.output = Precision::kBf16;
      layer_norm_on(isa, args);
      for (std::size_t r = 0; r < 3; ++r) {
        double mean = 0;
        double variance = 0;
        for (std::size_t i = 0; i < count; ++i) mean += static_cast<double>(x[r * count + i]);
        mean /= static_cast<double>(width);
        for (std::size_t i = 0; i < count; ++i) {
          variance += std::pow(static_cast<double>(x[r * count + i]) - mean, 2);
        }
        variance /= static_cast<double>(width);
        for (std::size_t i = 0; i < count; ++i) {
          const double want = (static_cast<double>(x[r * count + i]) - mean) /
                                  std::sqrt(variance + 1e-5) * static_cast<double>(gain[i]) +
                              static_cast<double>(bias[i]);
          ASSERT_NEAR(got[r * count + i], want, 1e-5 * (1 + std::abs(want)));
          ASSERT_EQ(narrow[r * count + i], float_to_bf16(got[r * count + i]));
        }
      }
    }
  }
}

TEST(LayerNorm, ReadsRowsInTheGivenOrder) {
  const auto x = random_values(6 * 8, 32);
  const std::vector<float> gain(8, 1.5F);
  const std::vector<float> bias(8, 0.5F);
  const std::vector<std::int32_t> places = {2, 0, 1};
  std::vector<float> plain(6 * 8), moved(6 * 8);
  LayerNormArgs args{
      .x = x.data(), .rows = 6, .width = 8, .gain = gain.data(), .bias = bias.data()};
  args.out = plain.data();
  layer_norm(args);
  args.places = places.data();
  args.period = 3;
  args.out = moved.data();
  layer_norm(args);
  for (std::size_t r = 0; r < 6; ++r) {
    const std::size_t from = static_cast<std::size_t>(places[r % 3]) + r / 3 * 3;
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(moved[r * 8 + i], plain[from * 8 + i]);
  }
}

TEST(LayerNorm, ReadsStridedRows) {
  const auto x = random_values(4 * 10, 31);
  const std::vector<float> gain(8, 1.0F);
  const std::vector<float> bias(8, 0.0F);
  std::vector<float> got(4 * 8);
  layer_norm({.x = x.data(),
              .rows = 4,
              .width = 8,
              .row_stride = 10,
              .gain = gain.data(),
              .bias = bias.data(),
              .out = got.data()});
  for (std::size_t r = 0; r < 4; ++r) {
    double sum = 0;
    for (std::size_t i = 0; i < 8; ++i) sum += static_cast<double>(got[r * 8 + i]);
    EXPECT_NEAR(sum, 0, 1e-5);
  }
}

TEST(Rows, NormaliseToUnitLength) {
  std::vector<float> x = {3, 4, 0, 0, 1e-20F, 0};
  l2_normalize_rows(x.data(), 3, 2);
  EXPECT_NEAR(x[0], 0.6F, 1e-7);
  EXPECT_EQ(x[2], 0.0F);
  EXPECT_NEAR(x[4], 1.0F, 1e-6);
}

TEST(Bf16, ConvertsLikeTheScalarCode) {
  auto x = random_values(1003, 41, 1e4);
  x[0] = NAN;
  x[1] = INFINITY;
  x[2] = -0.0F;
  std::vector<std::uint16_t> got(x.size());
  to_bf16(x.data(), 1003, got.data());
  EXPECT_TRUE(std::isnan(bf16_to_float(got[0])));
  for (std::size_t i = 1; i < x.size(); ++i) EXPECT_EQ(got[i], float_to_bf16(x[i]));
}

TEST(Cpu, NamesRoundTrip) {
  for (const Isa isa : available()) EXPECT_EQ(find_isa(to_string(isa)), isa);
  EXPECT_FALSE(find_isa("sse9"));
  EXPECT_LE(active_isa(), detect_isa());
}

}  // namespace
}  // namespace mien::kernels
