#pragma once

#include "mien/core/status.h"

namespace mien::metrics {

struct OpenSetScores;

/// What the released HESP and ARPL code logs beside AUROC, in its own way: one sweep of the
/// threshold upwards, where a tie removes the known sample first. All percent.
struct DetectionRates {
  double tnr_at_95 = 0;  ///< unknown ones refused where the share of known ones kept is nearest 95
  double accuracy = 0;   ///< largest mean of known kept and unknown refused
  double auin = 0;       ///< precision over recall, known samples positive
  double auout = 0;      ///< precision over recall, unknown samples positive
};

/// Errors: as auroc.
Result<DetectionRates> detection_rates(const OpenSetScores& scores);

}  // namespace mien::metrics
