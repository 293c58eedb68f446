#include "methods/hesp_mask.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace mien::methods {
namespace {

constexpr float kRed = 201;

struct Part {
  std::int64_t size = 0;
  std::int64_t rows = 0;  // sums over its pixels
  std::int64_t cols = 0;
};

// The part of `hot` around (row, col), which it removes from `hot`.
Part take_part(std::vector<char>& hot, std::int64_t side, std::int64_t row, std::int64_t col) {
  Part out;
  std::vector<std::pair<std::int64_t, std::int64_t>> open{{row, col}};
  hot[static_cast<std::size_t>(row * side + col)] = 0;
  while (!open.empty()) {
    const auto [r, c] = open.back();
    open.pop_back();
    ++out.size;
    out.rows += r;
    out.cols += c;
    for (std::int64_t y = std::max<std::int64_t>(r - 1, 0); y <= std::min(r + 1, side - 1); ++y) {
      for (std::int64_t x = std::max<std::int64_t>(c - 1, 0); x <= std::min(c + 1, side - 1); ++x) {
        char& here = hot[static_cast<std::size_t>(y * side + x)];
        if (here != 0) open.emplace_back(y, x);
        here = 0;
      }
    }
  }
  return out;
}

}  // namespace

PromptPlace expression_place(const torch::Tensor& map, std::int64_t side, std::int64_t patch) {
  const torch::Tensor wide = map.detach().to(torch::kFloat32);
  const float low = wide.min().item<float>(), high = wide.max().item<float>();
  PromptPlace out{side / 2, side / 2};
  if (high > low) {
    const torch::Tensor scaled = ((wide - low) / (high - low) * 255).floor();
    const torch::Tensor large =
        at::upsample_bilinear2d(scaled.unsqueeze(0).unsqueeze(0), {side, side}, false)
            .round()
            .contiguous();
    const auto* values = large.data_ptr<float>();
    std::vector<char> hot(static_cast<std::size_t>(side * side));
    for (std::size_t i = 0; i < hot.size(); ++i) hot[i] = values[i] >= kRed ? 1 : 0;
    Part largest;
    for (std::int64_t i = 0; i < side * side; ++i) {
      if (hot[static_cast<std::size_t>(i)] == 0) continue;
      const Part part = take_part(hot, side, i / side, i % side);
      if (part.size > largest.size) largest = part;
    }
    if (largest.size > 0) {
      out = {largest.rows / largest.size, largest.cols / largest.size};
    } else {
      const auto best = large.argmax().item<std::int64_t>();
      out = {best / side, best % side};
    }
  }
  const std::int64_t half = patch / 2, last = side - 1 - half;
  const auto inside = [&](std::int64_t at) {
    return std::clamp(at, std::min(half, last), std::max(half, last));
  };
  return {inside(out.row), inside(out.col)};
}

}  // namespace mien::methods
