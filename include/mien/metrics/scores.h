#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mien/core/status.h"

namespace mien::metrics {

/// Percent of samples whose true class is among the `k` largest scores. A tie with the true class
/// counts against it.
/// Shape: scores [samples, classes], truth [samples].
/// Errors: kInvalidArgument for sizes that do not match, a truth outside the classes, NaN.
Result<double> top_k_accuracy(std::span<const double> scores, std::size_t classes,
                              std::span<const std::size_t> truth, std::size_t k);

/// One bin of a reliability diagram.
struct ReliabilityBin {
  double confidence = 0;  ///< mean of the bin, 0..1
  double accuracy = 0;    ///< 0..1
  std::int64_t count = 0;
};

/// How far confidence is from accuracy, and the bins it was computed over.
struct Calibration {
  double ece_percent = 0;  ///< expected calibration error
  std::vector<ReliabilityBin> bins = {};
};

/// Expected calibration error over equally wide bins (a, b] of the confidence.
/// Shape: confidence [samples] in 0..1, correct [samples] of 0 or 1.
/// Errors: kInvalidArgument without samples, for sizes that differ or a confidence outside 0..1.
/// Source: Guo et al., ICML 2017 (arXiv 1706.04599).
Result<Calibration> calibration(std::span<const double> confidence, std::span<const char> correct,
                                std::size_t bins = 15);

}  // namespace mien::metrics
