#include "pipeline/frame_keeper.h"

#include <algorithm>

namespace mien::pipeline {

void FrameKeeper::add(std::span<const float> row) {
  const bool on_grid = seen_++ % step_ == 0;
  if (!on_grid) return;
  if (kept_ == capacity_) halve();
  // Row seen_ - 1 is capacity * the old step, a multiple of the new one: capacity is even.
  rows_.insert(rows_.end(), row.begin(), row.end());
  ++kept_;
}

void FrameKeeper::halve() {
  kept_ = (kept_ + 1) / 2;
  for (std::int64_t index = 1; index < kept_; ++index) {
    const auto from = rows_.begin() + 2 * index * static_cast<std::ptrdiff_t>(width_);
    std::copy_n(from, width_, rows_.begin() + index * static_cast<std::ptrdiff_t>(width_));
  }
  rows_.resize(static_cast<std::size_t>(kept_) * width_);
  step_ *= 2;
}

}  // namespace mien::pipeline
