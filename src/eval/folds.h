#pragma once

#include <vector>

#include "mien/core/json.h"
#include "mien/core/status.h"
#include "mien/eval/closed_set.h"
#include "mien/eval/run.h"

namespace mien::eval {

/// The folds of a data set as papers report them: the plain mean of the figures, whatever the sizes
/// of the folds.
struct FoldsReport {
  std::vector<ClosedSetReport> folds;
  double war = 0;                  ///< percent
  double uar = 0;                  ///< percent
  metrics::Interval war_interval;  ///< 95 %, bootstrap within every fold
  metrics::Interval uar_interval;

  /// {"war", "war_interval", "uar", "uar_interval", "folds": [{"fold" (from 1), "n", "war",
  /// "war_interval", "uar", "uar_interval", "absent"}]}.
  Json to_json() const;
};

/// Every fold's own figures and their means. A resample draws from every fold as many samples as it
/// has, so it does not mix them. Errors: kInvalidArgument without folds; those of
/// closed_set_report.
Result<FoldsReport> folds_report(const std::vector<RunResult>& folds,
                                 const ClosedSetOptions& options = {});

}  // namespace mien::eval
