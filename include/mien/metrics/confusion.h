#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mien/core/status.h"

namespace mien::metrics {

/// Counts of (truth, prediction). Rows = truth, columns = prediction.
class ConfusionMatrix {
 public:
  /// Precondition: classes > 0.
  explicit ConfusionMatrix(std::size_t classes);

  /// Precondition: both are below classes().
  void add(std::size_t truth, std::size_t prediction, std::int64_t count = 1);
  std::size_t classes() const { return classes_; }
  /// A count, and sums over the matrix. Precondition: indices are below classes().
  std::int64_t at(std::size_t truth, std::size_t prediction) const;
  std::int64_t row_sum(std::size_t truth) const;
  std::int64_t column_sum(std::size_t prediction) const;
  std::int64_t total() const;
  std::int64_t correct() const;

 private:
  std::size_t classes_;
  std::vector<std::int64_t> counts_;
};

/// A mean over classes, and the values it was made of.
struct ClassMean {
  double percent = 0;
  std::vector<std::optional<double>> per_class = {};  ///< percent; nullopt: no samples
  std::vector<std::size_t> absent = {};               ///< classes without a sample
};

/// Weighted average recall (accuracy), percent: correct / samples.
/// Errors: kInvalidArgument without samples.
Result<double> weighted_average_recall(const ConfusionMatrix& counts);

/// Unweighted average recall, percent: mean of per-class recall. A class without samples is left
/// out and named in `absent`; it never counts as zero.
/// Errors: kInvalidArgument without samples.
/// Source: UAR as reported beside WAR in Jiang et al., ACM MM 2020 (DFEW).
Result<ClassMean> unweighted_average_recall(const ConfusionMatrix& counts);

/// Mean of F1 = 2 TP / (2 TP + FP + FN) over the classes with samples, percent. A class without
/// samples is left out, so its false positives count only against the true classes.
/// Errors: kInvalidArgument without samples.
Result<ClassMean> macro_f1(const ConfusionMatrix& counts);

}  // namespace mien::metrics
