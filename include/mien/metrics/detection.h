#pragma once

#include "mien/core/status.h"

namespace mien::metrics {

struct OpenSetScores;

/// The figures that the released HESP and ARPL code logs beside AUROC, computed as it does: one
/// sweep of the threshold upwards, where a tie removes the known sample first. Units: percent.
struct DetectionRates {
  double tnr_at_95 = 0;  ///< unknown rejected where the share of known accepted is nearest 95
  double accuracy = 0;   ///< largest mean of known accepted and unknown rejected
  double auin = 0;       ///< precision over recall, known samples positive
  double auout = 0;      ///< precision over recall, unknown samples positive
};

/// Shape: see OpenSetScores. Errors: as auroc.
Result<DetectionRates> detection_rates(const OpenSetScores& scores);

}  // namespace mien::metrics
