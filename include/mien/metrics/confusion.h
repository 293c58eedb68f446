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
  std::int64_t at(std::size_t truth, std::size_t prediction) const;
  std::int64_t row_sum(std::size_t truth) const;
  std::int64_t column_sum(std::size_t prediction) const;
  std::int64_t total() const;
  std::int64_t correct() const;

 private:
  std::size_t classes_;
  std::vector<std::int64_t> counts_;
};

/// A mean over classes, and what it was made of.
struct ClassMean {
  double percent = 0;
  std::vector<std::optional<double>> per_class = {};  ///< percent; none: the class has no sample
  std::vector<std::size_t> absent = {};               ///< classes without a sample
};

/// Weighted average recall (accuracy), percent: correct / samples.
/// Errors: kInvalidArgument without a sample.
Result<double> weighted_average_recall(const ConfusionMatrix& counts);

/// Unweighted average recall, percent: mean of per-class recall. A class without samples is left
/// out and named in `absent`; it never counts as zero.
/// Errors: kInvalidArgument without a sample.
/// Source: UAR as reported beside WAR in Jiang et al., ACM MM 2020 (DFEW).
Result<ClassMean> unweighted_average_recall(const ConfusionMatrix& counts);

/// Mean over the classes that occur of F1 = 2 TP / (2 TP + FP + FN), percent. A class that has no
/// sample is left out, although its false alarms lower the precision of nothing else.
/// Errors: kInvalidArgument without a sample.
Result<ClassMean> macro_f1(const ConfusionMatrix& counts);

}  // namespace mien::metrics
