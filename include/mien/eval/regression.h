#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mien/core/json.h"
#include "mien/data/manifest.h"
#include "mien/engine/bundle.h"
#include "mien/eval/run.h"
#include "mien/metrics/bootstrap.h"
#include "mien/metrics/regression.h"

namespace mien::eval {

/// Prediction and truth of one sample, per target.
struct RegressionRow {
  std::string id;
  std::string subject = {};  ///< empty: unknown
  std::vector<double> truth;
  std::vector<double> said;
};

/// The predictions for a data set.
struct RegressionRun {
  std::vector<engine::RegressionTarget> targets;
  std::vector<RegressionRow> rows = {};
  std::vector<std::string> unreadable = {};  ///< one message per sample that was left out
  std::int64_t without_face = 0;             ///< samples read whole because no face was found
};

/// Reads every sample with the regression head of the bundle (engine::ClipReader). The targets of
/// the manifest must be those of the bundle, in its order. Errors: kUnsupported for a bundle
/// without a regression head; kInvalidArgument for another number of targets; those of
/// run_zero_shot.
Result<RegressionRun> run_regression(const std::shared_ptr<const engine::Bundle>& bundle,
                                     const data::Manifest& manifest,
                                     const RunOptions& options = {});

/// Merges samples with the same value in `column` (`subject`, `sequence` or another column of the
/// manifest) into one row with the mean truth and prediction, for example the clips of one
/// interview. Errors: kInvalidArgument when no sample has the column.
Result<RegressionRun> average_rows(RegressionRun run, const data::Manifest& manifest,
                                   const std::string& column);

/// The figures of one target. The intervals are 95 %, bootstrap.
struct TargetReport {
  engine::RegressionTarget target;
  metrics::RegressionError error;
  metrics::Interval pcc, ccc, mae, rmse;
};

/// The figures of a regression.
struct RegressionReport {
  std::vector<TargetReport> targets;
  metrics::RegressionError mean;  ///< mean of the figures over the targets
  std::int64_t rows = 0;
  std::int64_t resampled = 0;  ///< units of the bootstrap: subjects, or rows without them
  bool by_subject = false;

  /// {"n", "resampled", "targets": [{"name", "range", "pcc", "pcc_interval", ...}], "mean"}.
  Json to_json() const;
};

/// How the bootstrap intervals are computed.
struct RegressionOptions {
  int resamples = 1000;
  std::uint64_t seed = 1;
};

/// Computes the figures. Rows of one subject are drawn together when every row has a subject,
/// because they are not independent. Errors: kInvalidArgument without rows, or for numbers that are
/// not finite.
Result<RegressionReport> regression_report(const RegressionRun& run,
                                           const RegressionOptions& options = {});

}  // namespace mien::eval
