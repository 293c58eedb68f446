#include "mien/metrics/bootstrap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mien::metrics {
namespace {

// Linear interpolation between order statistics, as numpy's default.
double quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

Result<Interval> bootstrap(
    std::size_t samples, const std::function<Result<double>(std::span<const std::size_t>)>& figure,
    Rng& rng, const BootstrapOptions& options) {
  if (samples == 0 || options.resamples < 1 ||
      !(options.confidence > 0 && options.confidence < 1)) {
    return invalid_argument(
        fmt::format("bootstrap: {} samples, {} resamples, confidence {} (expected at least one of "
                    "both, confidence in 0..1)",
                    samples, options.resamples, options.confidence));
  }
  std::vector<double> values;
  Status last;
  std::vector<std::size_t> drawn(samples);
  for (int r = 0; r < options.resamples; ++r) {
    for (std::size_t& i : drawn) i = static_cast<std::size_t>(rng.below(samples));
    auto value = figure(drawn);
    if (value.ok()) {
      values.push_back(*value);
    } else {
      last = value.status();
    }
  }
  if (values.empty()) return last;
  std::sort(values.begin(), values.end());
  const double tail = (1.0 - options.confidence) / 2;
  return Interval{quantile(values, tail), quantile(values, 1.0 - tail)};
}

}  // namespace mien::metrics
