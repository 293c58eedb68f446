#include "serve/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace mien::serve {

void RequestMetrics::count(std::string_view route, int status, double seconds) {
  const auto bucket = static_cast<std::size_t>(
      std::lower_bound(kEdges.begin(), kEdges.end(), seconds) - kEdges.begin());
  const std::lock_guard lock(mutex_);
  ++requests_[{std::string(route), status}];
  Times& times = times_[std::string(route)];
  ++times.buckets[bucket];
  times.sum += seconds;
}

std::string RequestMetrics::text(const Gauges& now) const {
  std::string out;
  const auto head = [&](std::string_view name, std::string_view type, std::string_view help) {
    out += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
  };
  const auto single = [&](std::string_view name, std::string_view type, std::string_view help,
                          auto value) {
    head(name, type, help);
    out += fmt::format("{} {}\n", name, value);
  };
  const std::lock_guard lock(mutex_);
  head("mien_requests_total", "counter", "Requests by route and status.");
  for (const auto& [key, count] : requests_) {
    out += fmt::format("mien_requests_total{{route=\"{}\",status=\"{}\"}} {}\n", key.first,
                       key.second, count);
  }
  head("mien_request_seconds", "histogram", "Time from the end of the header to the answer.");
  for (const auto& [route, times] : times_) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < times.buckets.size(); ++i) {
      sum += times.buckets[i];
      const std::string edge = i < kEdges.size() ? fmt::format("{}", kEdges[i]) : "+Inf";
      out += fmt::format("mien_request_seconds_bucket{{route=\"{}\",le=\"{}\"}} {}\n", route, edge,
                         sum);
    }
    out += fmt::format("mien_request_seconds_sum{{route=\"{}\"}} {}\n", route, times.sum);
    out += fmt::format("mien_request_seconds_count{{route=\"{}\"}} {}\n", route, sum);
  }
  single("mien_live_frames_total", "counter", "Live frames analysed.", live_frames_.load());
  single("mien_faces_total", "counter", "Faces encoded in batches.", now.faces);
  single("mien_batches_total", "counter", "Batches of faces encoded.", now.batches);
  single("mien_waiting_requests", "gauge", "Requests that wait for a worker.", now.waiting);
  single("mien_busy_workers", "gauge", "Workers that are busy.", now.busy);
  single("mien_connections", "gauge", "Open connections.", now.connections);
  single("mien_live_connections", "gauge", "Open live connections.", now.live);
  single("mien_jobs", "gauge", "Jobs that are kept.", now.jobs);
  single("mien_waiting_jobs", "gauge", "Jobs that wait.", now.jobs_waiting);
  return out;
}

}  // namespace mien::serve
