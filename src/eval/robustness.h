#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/status.h"
#include "mien/eval/closed_set.h"
#include "mien/eval/run.h"

namespace mien::eval {

/// One kind and level of corruption, with the figures of the same samples.
struct CorruptedRun {
  std::string corruption;  ///< "none", "blur", ...
  int level = 0;           ///< 0: the original pictures
  ClosedSetReport report;
};

struct RobustnessReport {
  std::vector<CorruptedRun> runs;  ///< the first is of the original pictures
  double war = 0;                  ///< of the original pictures, percent
  double corrupted_war = 0;        ///< mean over the other runs
  double drop = 0;                 ///< the difference of the two
  /// 95 %, bootstrap over samples: a sample that is drawn counts in every run.
  metrics::Interval corrupted_war_interval;
  metrics::Interval drop_interval;

  /// {"war", "war_interval", "spoiled_war", "spoiled_war_interval", "drop", "drop_interval",
  /// "runs": [{"corruption", "level", "n", "war", "war_interval", "uar", "uar_interval"}]}.
  Json to_json() const;
};

/// Collects the runs, keeping only their figures and which samples were right.
class Robustness {
 public:
  explicit Robustness(const ClosedSetOptions& options = {}) : options_(options) {}

  /// The first run must be of the original pictures. Errors: those of closed_set_report;
  /// kInvalidArgument when the samples are not those of the first run.
  Status add(std::string corruption, int level, const RunResult& result);
  const CorruptedRun& last() const { return report_.runs.back(); }
  /// Errors: kInvalidArgument before a corrupted run was added.
  Result<RobustnessReport> finish();

 private:
  ClosedSetOptions options_;
  RobustnessReport report_;
  std::vector<std::string> ids_;
  std::vector<double> clean_;      // 100 where the first run was right, by sample
  std::vector<double> corrupted_;  // sum of the same over the other runs
};

}  // namespace mien::eval
