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

/// What a regression said of one sample, and what is true; by target.
struct RegressionRow {
  std::string id;
  std::string subject = {};  ///< empty: not known
  std::vector<double> truth;
  std::vector<double> said;
};

struct RegressionRun {
  std::vector<engine::RegressionTarget> targets;
  std::vector<RegressionRow> rows = {};
  std::vector<std::string> unreadable = {};  ///< one message per sample that was left out
  std::int64_t without_face = 0;             ///< samples read whole, since no face was found
};

/// Reads every sample with the regression head of the bundle (engine::ClipReader). Precondition:
/// the manifest has as many targets as the bundle, in its order. Errors: kUnsupported for a bundle
/// without a regression head; kInvalidArgument for targets that do not fit; those of run_zero_shot.
Result<RegressionRun> run_regression(const std::shared_ptr<const engine::Bundle>& bundle,
                                     const data::Manifest& manifest,
                                     const RunOptions& options = {});

/// Samples with the same value in `column` (`subject`, `sequence` or another column of the
/// manifest) become one row, whose truth and prediction are their means: the clips of one
/// interview, say. Errors: kInvalidArgument when no sample has the column.
Result<RegressionRun> average_rows(RegressionRun run, const data::Manifest& manifest,
                                   const std::string& column);

/// The figures of one target. The intervals are 95 %, bootstrap.
struct TargetReport {
  engine::RegressionTarget target;
  metrics::RegressionError error;
  metrics::Interval pcc, ccc, mae, rmse;
};

struct RegressionReport {
  std::vector<TargetReport> targets;
  metrics::RegressionError mean;  ///< of the figures over the targets
  std::int64_t rows = 0;
  std::int64_t resampled = 0;  ///< what the bootstrap draws: subjects, or rows without them
  bool by_subject = false;

  /// {"n", "resampled", "targets": [{"name", "range", "pcc", "pcc_interval", ...}], "mean"}.
  Json to_json() const;
};

struct RegressionOptions {
  int resamples = 1000;
  std::uint64_t seed = 1;
};

/// Rows of one subject are drawn together when every row has a subject: they are not independent.
/// Errors: kInvalidArgument for no row, or numbers that are not finite.
Result<RegressionReport> regression_report(const RegressionRun& run,
                                           const RegressionOptions& options = {});

}  // namespace mien::eval
