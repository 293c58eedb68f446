#pragma once

#include <cstdint>

namespace mien::pipeline {

/// Which frames of a clip are analysed: every Nth, and at most a number per second.
class Pace {
 public:
  Pace(int every, double max_fps) : every_(every), max_fps_(max_fps) {}

  /// Call it for all frames in order.
  bool wants(std::int64_t frame_index, std::int64_t timestamp_us) {
    if (every_ > 1 && frame_index % every_ != 0) return false;
    if (max_fps_ > 0 && any_) {
      const double gap_us = static_cast<double>(timestamp_us - last_us_);
      // Half a millisecond of slack, because containers round their time stamps.
      if (gap_us + 500 < 1e6 / max_fps_) return false;
    }
    any_ = true;
    last_us_ = timestamp_us;
    return true;
  }

 private:
  int every_;
  double max_fps_;
  bool any_ = false;  // not an optional: GCC 12 warns that its copy is uninitialised
  std::int64_t last_us_ = 0;
};

}  // namespace mien::pipeline
