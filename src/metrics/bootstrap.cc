#include "mien/metrics/bootstrap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "mien/core/check.h"

namespace mien::metrics {
namespace {

// Linear interpolation between order statistics, as numpy's default.
double quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Status check(std::span<const std::size_t> sizes, const BootstrapOptions& options) {
  const std::size_t least = sizes.empty() ? 0 : *std::min_element(sizes.begin(), sizes.end());
  if (least > 0 && options.resamples >= 1 && options.confidence > 0 && options.confidence < 1) {
    return {};
  }
  return invalid_argument(
      fmt::format("bootstrap: {} samples, {} resamples, confidence {} (expected at least one of "
                  "each, confidence between 0 and 1)",
                  least, options.resamples, options.confidence));
}

}  // namespace

Interval percentile_interval(std::vector<double> values, double confidence) {
  MIEN_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const double tail = (1.0 - confidence) / 2;
  return {quantile(values, tail), quantile(values, 1.0 - tail)};
}

Result<Interval> bootstrap(
    std::size_t samples, const std::function<Result<double>(std::span<const std::size_t>)>& figure,
    Rng& rng, const BootstrapOptions& options) {
  return bootstrap_parts(
      std::span(&samples, 1),
      [&](std::span<const std::vector<std::size_t>> drawn) { return figure(drawn[0]); }, rng,
      options);
}

Result<Interval> bootstrap_parts(
    std::span<const std::size_t> sizes,
    const std::function<Result<double>(std::span<const std::vector<std::size_t>>)>& figure,
    Rng& rng, const BootstrapOptions& options) {
  MIEN_RETURN_IF_ERROR(check(sizes, options));
  std::vector<double> values;
  Status last;
  std::vector<std::vector<std::size_t>> drawn;
  for (const std::size_t size : sizes) drawn.emplace_back(size);
  for (int r = 0; r < options.resamples; ++r) {
    for (std::size_t part = 0; part < drawn.size(); ++part) {
      for (std::size_t& i : drawn[part]) i = static_cast<std::size_t>(rng.below(sizes[part]));
    }
    auto value = figure(drawn);
    if (value.ok()) {
      values.push_back(*value);
    } else {
      last = value.status();
    }
  }
  if (values.empty()) return last;
  return percentile_interval(std::move(values), options.confidence);
}

}  // namespace mien::metrics
