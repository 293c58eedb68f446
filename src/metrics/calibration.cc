#include "mien/metrics/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "mien/core/check.h"

namespace mien::metrics {
namespace {

constexpr double kLeast = 0.05, kMost = 20.0;
constexpr int kSteps = 80;

}  // namespace

double negative_log_likelihood(std::span<const double> logits, std::size_t classes,
                               std::span<const int> truths, double temperature) {
  MIEN_CHECK(!truths.empty() && temperature > 0 && logits.size() == truths.size() * classes);
  double sum = 0;
  for (std::size_t i = 0; i < truths.size(); ++i) {
    const auto row = logits.subspan(i * classes, classes);
    const double top = *std::max_element(row.begin(), row.end());
    double total = 0;
    for (const double logit : row) total += std::exp((logit - top) / temperature);
    sum += std::log(total) - (row[static_cast<std::size_t>(truths[i])] - top) / temperature;
  }
  return sum / static_cast<double>(truths.size());
}

Result<double> fit_temperature(std::span<const double> logits, std::size_t classes,
                               std::span<const int> truths) {
  const bool fits = classes >= 2 && !truths.empty() && logits.size() == truths.size() * classes &&
                    std::all_of(truths.begin(), truths.end(), [&](int truth) {
                      return truth >= 0 && static_cast<std::size_t>(truth) < classes;
                    });
  if (!fits) {
    return invalid_argument(
        fmt::format("calibration: {} logits for {} samples of {} classes (expected samples times "
                    "classes, two classes or more, truths below their number)",
                    logits.size(), truths.size(), classes));
  }
  // The likelihood has one optimum in 1 / T; a golden-section search over log T finds it.
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  const auto cost = [&](double log_t) {
    return negative_log_likelihood(logits, classes, truths, std::exp(log_t));
  };
  double low = std::log(kLeast), high = std::log(kMost);
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double at_a = cost(a), at_b = cost(b);
  for (int step = 0; step < kSteps && high - low > 1e-6; ++step) {
    if (at_a < at_b) {
      high = b;
      b = a;
      at_b = at_a;
      a = high - ratio * (high - low);
      at_a = cost(a);
    } else {
      low = a;
      a = b;
      at_a = at_b;
      b = low + ratio * (high - low);
      at_b = cost(b);
    }
  }
  return std::exp((low + high) / 2);
}

Result<double> acceptance_threshold(std::span<const double> values, double accept) {
  if (values.empty() || !(accept > 0 && accept <= 1)) {
    return invalid_argument(fmt::format(
        "calibration: {} values, accept {} (expected at least one value, accept in (0, 1])",
        values.size(), accept));
  }
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const auto rejected = static_cast<std::size_t>((1 - accept) * static_cast<double>(sorted.size()) +
                                                 1e-9);  // 0.2 * 10 is 2
  return sorted[std::min(rejected, sorted.size() - 1)];
}

}  // namespace mien::metrics
