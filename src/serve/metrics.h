#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace mien::serve {

/// Values at the moment of asking.
struct Gauges {
  std::size_t waiting = 0;
  int busy = 0;
  std::size_t connections = 0;
  std::size_t live = 0;
  std::size_t jobs = 0;
  std::size_t jobs_waiting = 0;
  std::int64_t batches = 0;
  std::int64_t faces = 0;
};

/// Counts requests. Threads: safe from several threads.
class RequestMetrics {
 public:
  /// `route`: the path of the route, never that of the request.
  void count(std::string_view route, int status, double seconds);
  void count_live_frame() { ++live_frames_; }
  /// The text format of Prometheus.
  std::string text(const Gauges& now) const;

 private:
  static constexpr std::array<double, 10> kEdges = {0.001, 0.0025, 0.005, 0.01, 0.025,
                                                    0.05,  0.1,    0.25,  1,    10};
  struct Times {
    std::array<std::uint64_t, kEdges.size() + 1> buckets{};
    double sum = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::uint64_t> requests_;
  std::map<std::string, Times> times_;
  std::atomic<std::uint64_t> live_frames_{0};
};

}  // namespace mien::serve
