#include "engine/expression_place.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "mien/core/check.h"

namespace mien::engine {
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

// Which two cells a pixel lies between, and how near to the second.
struct Between {
  std::int64_t first = 0;
  std::int64_t second = 0;
  float share = 0;
};

// Pixel centres, edges repeated: bilinear as in PyTorch with align_corners=False.
std::vector<Between> between(std::int64_t grid, std::int64_t side) {
  std::vector<Between> out(static_cast<std::size_t>(side));
  const float scale = static_cast<float>(grid) / static_cast<float>(side);
  for (std::int64_t i = 0; i < side; ++i) {
    const float at = std::max(scale * (static_cast<float>(i) + 0.5F) - 0.5F, 0.0F);
    const auto first = std::min(static_cast<std::int64_t>(at), grid - 1);
    out[static_cast<std::size_t>(i)] = {first, std::min(first + 1, grid - 1),
                                        std::min(at - static_cast<float>(first), 1.0F)};
  }
  return out;
}

// [grid, grid] -> [side, side], rounded to whole values.
std::vector<float> enlarged(const std::vector<float>& map, std::int64_t grid, std::int64_t side) {
  const std::vector<Between> places = between(grid, side);
  std::vector<float> out;
  out.reserve(static_cast<std::size_t>(side * side));
  const auto cell = [&](std::int64_t row, std::int64_t col) {
    return map[static_cast<std::size_t>(row * grid + col)];
  };
  for (const Between& y : places) {
    for (const Between& x : places) {
      const float above =
          (1 - x.share) * cell(y.first, x.first) + x.share * cell(y.first, x.second);
      const float below =
          (1 - x.share) * cell(y.second, x.first) + x.share * cell(y.second, x.second);
      out.push_back(std::nearbyint((1 - y.share) * above + y.share * below));
    }
  }
  return out;
}

PromptPlace reddest(const std::vector<float>& picture, std::int64_t side) {
  std::vector<char> hot(picture.size());
  for (std::size_t i = 0; i < hot.size(); ++i) hot[i] = picture[i] >= kRed ? 1 : 0;
  Part largest;
  for (std::int64_t i = 0; i < side * side; ++i) {
    if (hot[static_cast<std::size_t>(i)] == 0) continue;
    const Part part = take_part(hot, side, i / side, i % side);
    if (part.size > largest.size) largest = part;
  }
  if (largest.size > 0) return {largest.rows / largest.size, largest.cols / largest.size};
  const auto best = std::max_element(picture.begin(), picture.end()) - picture.begin();
  return {best / side, best % side};
}

}  // namespace

PromptPlace expression_place(std::span<const float> map, std::int64_t grid, std::int64_t side,
                             std::int64_t patch) {
  MIEN_CHECK(grid >= 1 && static_cast<std::int64_t>(map.size()) == grid * grid && patch <= side);
  const auto [low, high] = std::minmax_element(map.begin(), map.end());
  PromptPlace out{side / 2, side / 2};
  if (*high > *low) {
    std::vector<float> scaled;
    for (const float value : map) {
      scaled.push_back(std::floor((value - *low) / (*high - *low) * 255));
    }
    out = reddest(enlarged(scaled, grid, side), side);
  }
  const std::int64_t half = patch / 2, last = side - 1 - half;
  const auto inside = [&](std::int64_t at) {
    return std::clamp(at, std::min(half, last), std::max(half, last));
  };
  return {inside(out.row), inside(out.col)};
}

}  // namespace mien::engine
