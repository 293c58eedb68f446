#pragma once

#include <algorithm>
#include <cstdint>

#include "core/thread_pool.h"

namespace mien::kernels {

/// count / step, rounded up.
constexpr std::int64_t ceil_div(std::int64_t count, std::int64_t step) {
  return (count + step - 1) / step;
}

/// A product of rows and panels of weights, divided among threads.
struct Blocks {
  std::int64_t rows, rows_each;
  std::int64_t panels, panels_each;

  /// Blocks of rows that stay in the second-level cache beside a panel, in whole tiles. Few rows
  /// are not divided: threads then share the panels, and each weight is read once.
  static Blocks cut(std::int64_t rows, std::int64_t row_bytes, std::int64_t tile_rows,
                    std::int64_t panels, std::int64_t threads) {
    constexpr std::int64_t kBlockBytes = 384 << 10;
    if (rows < threads * 8 * tile_rows) return {rows, rows, panels, ceil_div(panels, threads)};
    const std::int64_t fits =
        std::max<std::int64_t>(8, kBlockBytes / row_bytes / tile_rows) * tile_rows;
    const std::int64_t blocks = ceil_div(ceil_div(rows, threads), fits);
    return {rows, ceil_div(ceil_div(rows, threads * blocks), tile_rows) * tile_rows, panels,
            panels};
  }

  /// Calls work(first row, last row, first panel, last panel) for every block, on `threads`
  /// threads.
  template <class Work>
  void run(std::int64_t threads, const Work& work) const {
    const std::int64_t across = ceil_div(panels, panels_each);
    const auto block = [&](std::int64_t i, std::int64_t j) {
      work(i * rows_each, std::min(rows, (i + 1) * rows_each), j * panels_each,
           std::min(panels, (j + 1) * panels_each));
    };
    const std::int64_t count = ceil_div(rows, rows_each) * across;
    ThreadPool::shared().run(count, static_cast<int>(threads),
                             [&](std::int64_t n, int) { block(n / across, n % across); });
  }
};

}  // namespace mien::kernels
