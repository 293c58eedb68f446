#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/status.h"
#include "mien/eval/run.h"

namespace mien::eval {

/// The answers of a bundle for a class that it never saw, among all classes.
struct LeftOutClass {
  std::string name;
  std::int64_t correct = 0;
  std::int64_t samples = 0;             ///< of the class
  std::vector<std::int64_t> said = {};  ///< per class of the report: how often it was the answer
  std::int64_t known_correct = 0;       ///< of the samples of the other classes
  std::int64_t known_samples = 0;
  /// Percent: how well the largest probability among the other classes separates their samples from
  /// those of the class. Empty without samples of either kind.
  std::optional<double> auroc = {};
  /// The same by outlier words (outlier_score), percent. Empty without RunOptions::outliers.
  std::optional<double> outlier_auroc = {};
  metrics::Interval outlier_interval = {};
  metrics::Interval recall_interval = {};  ///< 95 %, bootstrap over samples
  metrics::Interval auroc_interval = {};   ///< the same; meaningless without `auroc`

  double recall() const;  ///< percent
};

/// Leave-one-class-out: one bundle per class. Source: EmoCLIP (arXiv 2310.16640); the aggregation
/// is ours, since no published code has one.
struct LeftOutReport {
  std::vector<std::string> classes;  ///< of the data
  std::vector<LeftOutClass> left_out = {};
  std::vector<std::string> missing = {};  ///< classes that no bundle left out
  metrics::Interval war_interval = {};    ///< 95 %, bootstrap within every class
  metrics::Interval uar_interval = {};

  double uar() const;                   ///< mean of the recalls, percent
  std::optional<double> auroc() const;  ///< mean over the classes that have one, percent
  std::optional<double> outlier_auroc() const;
  double war() const;  ///< all correct ones of all samples, percent
  Json to_json() const;
};

/// The class that training left out, from the bundle's provenance. Errors: kInvalidArgument if
/// there is none.
Result<std::string> left_out_class(const engine::Bundle& bundle);

/// Counts the answers of a run over samples of all classes. `scale`: of the cosines, for outlier
/// words. Errors: kInvalidArgument when the run has no such class or no sample of it.
Result<LeftOutClass> count_left_out(const std::string& name, const RunResult& result,
                                    const ClosedSetOptions& options = {}, double scale = 1);

/// Sets the intervals of the report's own figures. Errors: kInvalidArgument for an empty report.
Status fill_left_out_intervals(LeftOutReport& report, const ClosedSetOptions& options = {});

}  // namespace mien::eval
