#include "metrics/paired.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace mien::metrics {

double mcnemar_exact(std::int64_t only_first_right, std::int64_t only_second_right) {
  const std::int64_t n = only_first_right + only_second_right;
  const std::int64_t fewer = std::min(only_first_right, only_second_right);
  if (2 * fewer >= n) return 1.0;
  // log of binomial(n, k) / 2^n, from k = 0 upwards; summed from the largest term.
  double term = -static_cast<double>(n) * std::log(2.0);
  std::vector<double> terms = {term};
  for (std::int64_t k = 1; k <= fewer; ++k) {
    term += std::log(static_cast<double>(n - k + 1)) - std::log(static_cast<double>(k));
    terms.push_back(term);
  }
  const double largest = terms.back();
  double sum = 0;
  for (const double value : terms) sum += std::exp(value - largest);
  return std::min(1.0, 2 * std::exp(largest + std::log(sum)));
}

Result<PairedDifference> paired_bootstrap(
    std::size_t samples,
    const std::function<Result<double>(std::span<const std::size_t>)>& difference, Rng& rng,
    const BootstrapOptions& options) {
  std::vector<std::size_t> all(samples);
  std::iota(all.begin(), all.end(), std::size_t{0});
  PairedDifference out;
  std::int64_t below = 1, above = 1, resamples = 1;
  const auto counted = [&](std::span<const std::size_t> drawn) -> Result<double> {
    MIEN_ASSIGN_OR_RETURN(const double value, difference(drawn));
    ++resamples;
    if (value <= 0) ++below;
    if (value >= 0) ++above;
    return value;
  };
  MIEN_ASSIGN_OR_RETURN(out.interval, bootstrap(samples, counted, rng, options));
  MIEN_ASSIGN_OR_RETURN(out.difference, difference(all));
  out.p_value = std::min(
      1.0, 2 * static_cast<double>(std::min(below, above)) / static_cast<double>(resamples));
  return out;
}

}  // namespace mien::metrics
