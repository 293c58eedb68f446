#pragma once

#include <span>
#include <vector>

#include "mien/core/status.h"

namespace mien::metrics {

/// One point of a ROC curve. Units: shares, 0 to 1.
struct RocPoint {
  double false_positive = 0;  ///< share of the negatives at or above the threshold, 0..1
  double true_positive = 0;   ///< share of the positives
};

/// The ROC curve of one score: from (0, 0) to (1, 1), one point per distinct score, corners only
/// (points on a straight line are left out). Shape: scores, positive [samples].
/// Errors: kInvalidArgument when sizes differ, a score is not a number, or positives or negatives
/// are missing.
Result<std::vector<RocPoint>> roc_curve(std::span<const double> scores,
                                        std::span<const char> positive);

/// Area under a curve by trapezoids, percent.
double area_under(std::span<const RocPoint> curve);

}  // namespace mien::metrics
