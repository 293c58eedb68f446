#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mien::pipeline {

/// Keeps at most `capacity` rows of a sequence of unknown length, on a regular grid: every row at
/// first; when it is full, every second row is dropped and from then on half as many are taken.
/// Rows 0, step, 2 * step, .. of the sequence are kept, with step a power of two. Memory: capacity
/// rows at most. Precondition: capacity is 2 or more and even.
class FrameKeeper {
 public:
  FrameKeeper(std::size_t width, std::int64_t capacity) : width_(width), capacity_(capacity) {}

  void add(std::span<const float> row);

  std::int64_t seen() const { return seen_; }
  std::int64_t kept() const { return kept_; }
  std::int64_t step() const { return step_; }
  /// The `index`-th row that is kept: row index * step() of the sequence.
  std::span<const float> row(std::int64_t index) const {
    return std::span(rows_).subspan(static_cast<std::size_t>(index) * width_, width_);
  }

 private:
  void halve();

  std::size_t width_;
  std::int64_t capacity_;
  std::int64_t step_ = 1;
  std::int64_t seen_ = 0;
  std::int64_t kept_ = 0;
  std::vector<float> rows_;
};

}  // namespace mien::pipeline
