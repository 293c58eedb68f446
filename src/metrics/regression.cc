#include "mien/metrics/regression.h"

#include <fmt/format.h>

#include <cmath>

namespace mien::metrics {

Result<RegressionError> regression_error(std::span<const double> prediction,
                                         std::span<const double> truth) {
  if (prediction.empty() || prediction.size() != truth.size()) {
    return invalid_argument(
        fmt::format("regression: {} predictions for {} targets (expected "
                    "equal numbers, at least one)",
                    prediction.size(), truth.size()));
  }
  constexpr double kEpsilon = 1e-5;
  const auto count = static_cast<double>(truth.size());
  double mean_a = 0, mean_b = 0;
  RegressionError out;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (!std::isfinite(prediction[i]) || !std::isfinite(truth[i])) {
      return invalid_argument(fmt::format("regression: sample {} is not a finite number", i));
    }
    mean_a += prediction[i] / count;
    mean_b += truth[i] / count;
    const double error = prediction[i] - truth[i];
    out.mae += std::abs(error) / count;
    out.mse += error * error / count;
  }
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const double a = prediction[i] - mean_a;
    const double b = truth[i] - mean_b;
    aa += a * a;
    bb += b * b;
    ab += a * b;
  }
  out.pcc = ab / (std::sqrt(aa * bb) + kEpsilon);
  const double shift = mean_a - mean_b;
  out.ccc = 2.0 * out.pcc * std::sqrt(aa / count) * std::sqrt(bb / count) /
            (aa / count + bb / count + shift * shift + kEpsilon);
  out.rmse = std::sqrt(out.mse);
  return out;
}

}  // namespace mien::metrics
