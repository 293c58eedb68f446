// The number of threads changes no bit of a result, and no thread spins after a kernel.
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <thread>

#include "core/cpus.h"
#include "core/thread_pool.h"
#include "kernels/direct_convolution.h"
#include "kernels/onednn_convolution.h"
#include "kernels/onednn_linear.h"
#include "kernels/ops.h"
#include "kernels/parallel.h"
#include "mien/core/rng.h"
#include "mien/kernels/cpu.h"
#include "support/test_support.h"

namespace mien::kernels {
namespace {

std::vector<float> random_values(std::int64_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> out(static_cast<std::size_t>(count));
  for (float& value : out) value = static_cast<float>(rng.normal());
  return out;
}

/// The output of `work` with a number of threads, in bytes.
class Threads : public ::testing::Test {
 protected:
  void TearDown() override { set_threads(0); }

  template <class T>
  void same_for_all(std::int64_t values, const std::function<void(T* to)>& work) {
    std::vector<T> first;
    for (const int threads : {1, 2, 3, 8}) {
      set_threads(threads);
      std::vector<T> out(static_cast<std::size_t>(values), T{7});
      work(out.data());
      if (first.empty()) first = out;
      EXPECT_EQ(std::memcmp(first.data(), out.data(), out.size() * sizeof(T)), 0)
          << threads << " threads";
    }
  }
};

TEST_F(Threads, AreSetPerCallingThread) {
  set_threads(3);
  std::thread([] {
    EXPECT_EQ(threads(), available_cpus());
    set_threads(5);
    EXPECT_EQ(threads(), 5);
  }).join();
  EXPECT_EQ(threads(), 3);
  set_threads(0);
  EXPECT_EQ(threads(), available_cpus());
}

TEST_F(Threads, RangesCoverEverything) {
  for (const std::int64_t count : {0, 1, 2, 7, 100}) {
    for (const int threads : {1, 2, 8}) {
      std::vector<std::atomic<int>> done(static_cast<std::size_t>(count));
      parallel_for(count, threads, [&](std::int64_t i) { ++done[static_cast<std::size_t>(i)]; });
      for (const auto& times : done) EXPECT_EQ(times, 1);
    }
  }
}

// Sizes that oneDNN supports on every CPU; parts by rows and by outputs, with and without a
// remainder.
TEST_F(Threads, DoNotChangeALinearLayer) {
  struct Case {
    std::int64_t rows, in, out;
    bool in_out, accumulate;
  };
  for (const auto& [rows, in, out, in_out, accumulate] :
       {Case{1, 300, 1000, false, false}, Case{50, 260, 1537, true, false},
        Case{1023, 96, 500, false, true}, Case{1024, 96, 136, true, true},
        Case{2311, 64, 72, false, false}}) {
    const auto weight = random_values(in * out, 1), bias = random_values(out, 2);
    const auto x = random_values(rows * in, 3), before = random_values(rows * out, 4);
    const LinearOptions options = {
        .activation = Activation::kQuickGelu, .accumulate = accumulate, .weight_is_in_out = in_out};
    const OneDnnLinear linear(weight.data(), bias, in, out, options);
    Workspace workspace;
    same_for_all<float>(rows * out, [&, n = rows](float* to) {
      std::copy(before.begin(), before.end(), to);
      linear.run(x.data(), n, to, workspace);
    });
    // Some of the rows against the definition.
    std::vector<float> y = before;
    linear.run(x.data(), rows, y.data(), workspace);
    for (std::int64_t r = 0; r < rows; r += 101) {
      for (std::int64_t o = 0; o < out; ++o) {
        double sum = static_cast<double>(bias[static_cast<std::size_t>(o)]);
        for (std::int64_t i = 0; i < in; ++i) {
          sum += static_cast<double>(
                     weight[static_cast<std::size_t>(in_out ? i * out + o : o * in + i)]) *
                 static_cast<double>(x[static_cast<std::size_t>(r * in + i)]);
        }
        if (accumulate) sum += static_cast<double>(before[static_cast<std::size_t>(r * out + o)]);
        const double want = sum / (1 + std::exp(-1.702 * sum));
        ASSERT_NEAR(y[static_cast<std::size_t>(r * out + o)], want, 1e-3) << r << ' ' << o;
      }
    }
  }
}

// Few pictures are divided into lines, many are not; the result of a picture does not depend on the
// others.
TEST_F(Threads, DoNotChangeAConvolution) {
  struct Case {
    std::int64_t in, out, kernel, height, width;
    ConvolutionOptions options;
  };
  const PictureLayout blocks = PictureLayout::kBlocks;
  std::vector<Case> cases = {
      {3, 24, 7, 121, 97, {.stride = 2, .padding = 3, .relu = true}},
      {40, 56, 3, 61, 53, {.padding = 1, .accumulate = true}},
      {40, 56, 3, 61, 53, {.stride = 2, .padding = 1}},
      {136, 72, 1, 40, 41, {.stride = 2}},
      {16, 40, 1, 90, 90, {.padding = 2}},
  };
  if (has_block_convolution())
    cases.push_back({32, 32, 3, 37, 37, {.padding = 1, .from = blocks, .to = blocks}});
  for (const Case& c : cases) {
    constexpr std::int64_t kMany = 9;
    const OneDnnConvolution conv(random_values(c.out * c.in * c.kernel * c.kernel, 1),
                                 random_values(c.out, 2), c.in, c.out, c.kernel, c.options);
    const std::int64_t area = convolved_size(c.height, c.kernel, c.options) *
                              convolved_size(c.width, c.kernel, c.options);
    const auto pictures = random_values(kMany * c.height * c.width * c.in, 3);
    std::map<std::int64_t, std::vector<float>> of_count;
    for (const std::int64_t count : {std::int64_t{1}, std::int64_t{3}, kMany}) {
      Workspace workspace;
      auto& out = of_count[count];
      out.resize(static_cast<std::size_t>(count * area * c.out));
      same_for_all<float>(std::ssize(out), [&, n = count](float* to) {
        std::fill_n(to, out.size(), 0.5F);
        conv.run(pictures.data(), n, c.height, c.width, to, workspace);
        std::copy_n(to, out.size(), out.begin());
      });
    }
    const auto one = static_cast<std::size_t>(area * c.out);
    for (const auto& [count, out] : of_count) {
      EXPECT_EQ(std::memcmp(out.data(), of_count[kMany].data(), one * sizeof(float)), 0) << count;
    }
  }
}

TEST_F(Threads, DoNotChangeOurOwnKernels) {
  constexpr std::int64_t kRows = 331, kWidth = 192;
  const auto x = random_values(kRows * kWidth * 3, 1);
  const auto gain = random_values(kWidth, 2), bias = random_values(kWidth, 3);
  same_for_all<float>(kRows * kWidth, [&](float* to) {
    layer_norm({.x = x.data(),
                .rows = kRows,
                .width = kWidth,
                .gain = gain.data(),
                .bias = bias.data(),
                .out = to});
  });
  Workspace workspace;
  same_for_all<float>(kRows * kWidth, [&](float* to) {
    attention(
        {.qkv = x.data(), .batch = 1, .tokens = kRows, .heads = 3, .head_width = 64, .out = to},
        workspace);
  });
  same_for_all<float>(3 * 6 * 6 * 16,
                      [&](float* to) { max_pool_3x3(x.data(), Precision::kF32, 3, 12, 16, to); });
  for (const std::int64_t rows : {1, 40, 900}) {
    const auto many = random_values(rows * kWidth, 5), weight = random_values(kWidth * 64, 6);
    for (const bool int8 : {false, true}) {
      const auto linear = Linear::pack(Tensor::from_f32({64, kWidth}, weight), nullptr,
                                       {.input = int8 ? Precision::kInt8 : Precision::kF32});
      MIEN_ASSERT_OK(linear);
      std::vector<std::byte> narrow(static_cast<std::size_t>(rows * quantised_row_bytes(kWidth)));
      quantise_rows(many.data(), Precision::kF32, rows, kWidth, narrow.data());
      const void* from = int8 ? static_cast<const void*>(narrow.data()) : many.data();
      same_for_all<float>(rows * 64, [&, n = rows](float* to) {
        MIEN_ASSERT_OK(linear->run(from, n, to, workspace));
      });
    }
  }
}

// OpenMP threads would spin for milliseconds after every kernel, at the cost of all other programs.
TEST_F(Threads, OpenMpThreadsAreNotStarted) {
  const auto tasks = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  };
  std::thread([] {}).join();  // a sanitizer starts its own with the first
  const auto before = tasks() - ThreadPool::shared().helpers();
  const int setting = omp_get_max_threads();
  set_threads(3);
  const auto weight = random_values(1000 * 300, 1), x = random_values(2000 * 300, 2);
  const OneDnnLinear linear(weight.data(), std::vector<float>(1000), 300, 1000, {});
  const OneDnnConvolution conv(random_values(56 * 40 * 9, 3), std::vector<float>(56), 40, 56, 3,
                               {});
  std::vector<float> y(2000 * 1000);
  Workspace workspace;
  linear.run(x.data(), 2000, y.data(), workspace);
  conv.run(x.data(), 4, 50, 50, y.data(), workspace);
  EXPECT_EQ(tasks(), before + ThreadPool::shared().helpers());
  EXPECT_GE(ThreadPool::shared().helpers(), 2);
  EXPECT_EQ(omp_get_max_threads(), setting);  // the program's own OpenMP keeps its threads
}

}  // namespace
}  // namespace mien::kernels
