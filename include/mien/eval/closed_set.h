#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mien/core/json.h"
#include "mien/metrics/bootstrap.h"
#include "mien/metrics/confusion.h"
#include "mien/metrics/scores.h"

namespace mien::eval {

/// The prediction for one sample.
struct Prediction {
  std::string id;
  std::size_t truth = 0;
  std::vector<double> probabilities = {};  ///< per class, sums to 1
  std::vector<double> cosines = {};        ///< per class, or empty
  std::vector<double> logits = {};    ///< per class, calibrated: input of the softmax; or empty
  std::vector<double> outliers = {};  ///< cosines with the words of RunOptions::outliers

  std::size_t top() const;  ///< index of the largest; the first of equal ones
};

/// The figures of a closed-set evaluation; every sample has one of the classes.
struct ClosedSetReport {
  std::vector<std::string> classes;
  std::int64_t samples = 0;
  double war = 0;  ///< percent
  metrics::ClassMean uar;
  metrics::ClassMean macro_f1;
  double top2 = 0;  ///< percent
  metrics::Calibration calibration;
  metrics::ConfusionMatrix confusion{1};
  metrics::Interval war_interval;  ///< 95 %, bootstrap over samples
  metrics::Interval uar_interval;

  /// {"war", "war_interval", "uar", "uar_interval", "macro_f1", "top2", "ece", "n", "classes",
  /// "recall": {class: percent or null}, "absent", "confusion"}.
  Json to_json() const;
};

/// How the bootstrap intervals are computed.
struct ClosedSetOptions {
  int resamples = 1000;
  std::uint64_t seed = 1;
};

/// Computes the figures. Errors: kInvalidArgument without predictions, or for one whose size or
/// truth does not match the classes.
Result<ClosedSetReport> closed_set_report(const std::vector<std::string>& classes,
                                          const std::vector<Prediction>& predictions,
                                          const ClosedSetOptions& options = {});

}  // namespace mien::eval
