#include "mien/metrics/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace mien::metrics {

Result<double> top_k_accuracy(std::span<const double> scores, std::size_t classes,
                              std::span<const std::size_t> truth, std::size_t k) {
  if (truth.empty() || classes == 0 || k == 0 || scores.size() / classes != truth.size() ||
      scores.size() % classes != 0) {
    return invalid_argument(
        fmt::format("top-k: {} scores for {} samples of {} classes, k {} (expected one row of "
                    "scores per sample, k >= 1)",
                    scores.size(), truth.size(), classes, k));
  }
  std::size_t hits = 0;
  for (std::size_t n = 0; n < truth.size(); ++n) {
    const auto row = scores.subspan(n * classes, classes);
    if (truth[n] >= classes ||
        std::any_of(row.begin(), row.end(), [](double v) { return std::isnan(v); })) {
      return invalid_argument(
          fmt::format("top-k: sample {}: class {} of {}, or a score that is not a number", n,
                      truth[n], classes));
    }
    std::size_t ahead = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      if (c != truth[n] && row[c] >= row[truth[n]]) ++ahead;
    }
    if (ahead < k) ++hits;
  }
  return 100.0 * static_cast<double>(hits) / static_cast<double>(truth.size());
}

Result<Calibration> calibration(std::span<const double> confidence, std::span<const char> correct,
                                std::size_t bins) {
  if (confidence.empty() || confidence.size() != correct.size() || bins == 0) {
    return invalid_argument(
        fmt::format("calibration: {} confidences, {} outcomes, {} bins (expected equal numbers of "
                    "both, at least one bin)",
                    confidence.size(), correct.size(), bins));
  }
  Calibration out;
  out.bins.resize(bins);
  for (std::size_t n = 0; n < confidence.size(); ++n) {
    const double value = confidence[n];
    if (!(value >= 0.0 && value <= 1.0)) {
      return invalid_argument(
          fmt::format("calibration: confidence {} of sample {} (expected 0..1)", value, n));
    }
    const auto bin_index =
        static_cast<std::size_t>(std::max(0.0, std::ceil(value * static_cast<double>(bins)) - 1.0));
    ReliabilityBin& bin = out.bins[std::min(bin_index, bins - 1)];
    bin.confidence += value;
    bin.accuracy += correct[n] != 0 ? 1.0 : 0.0;
    ++bin.count;
  }
  for (ReliabilityBin& bin : out.bins) {
    if (bin.count == 0) continue;
    out.ece_percent +=
        100.0 * std::abs(bin.accuracy - bin.confidence) / static_cast<double>(confidence.size());
    bin.confidence /= static_cast<double>(bin.count);
    bin.accuracy /= static_cast<double>(bin.count);
  }
  return out;
}

}  // namespace mien::metrics
