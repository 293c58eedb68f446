#pragma once

#include <span>
#include <vector>

#include "mien/core/status.h"
#include "mien/metrics/roc.h"

namespace mien::metrics {

/// Scores of known (positive) and unknown samples: higher means more certainly known.
/// Errors of the functions below: kInvalidArgument when either is empty or a score is not a number.
struct OpenSetScores {
  std::span<const double> known;
  std::span<const double> unknown;
};

/// Area under the ROC curve, percent; ties count half (the rank statistic).
Result<double> auroc(const OpenSetScores& scores);
/// As auroc, but ties count nothing. Source: HESP's released code.
Result<double> auroc_strict(const OpenSetScores& scores);
/// Average precision with the known samples as positives, percent.
Result<double> aupr(const OpenSetScores& scores);
/// Percent of unknown samples accepted at the largest threshold that accepts at least
/// `tpr_percent` of the known ones.
Result<double> fpr_at_tpr(const OpenSetScores& scores, double tpr_percent = 95.0);

/// Open-set classification rate, 0..1: over all pairs, the share in which the known sample is
/// classified correctly and scores above the unknown one. Shape: correct [known] of 0 or 1. Source:
/// Dhamija et al., NeurIPS 2018 (arXiv 1811.04110).
Result<double> oscr(const OpenSetScores& scores, std::span<const char> correct);
/// The variant of the released HESP and ARPL code, slightly lower than the exact area; equal scores
/// keep the order known, unknown, as there.
Result<double> oscr_code(const OpenSetScores& scores, std::span<const char> correct);

/// The curve of oscr(): for decreasing thresholds, the share of unknown samples accepted
/// (`false_positive`) and of known ones accepted and classified correctly (`true_positive`), from
/// (0, 0), one point per distinct score. Its area is oscr() unless known and unknown samples have
/// equal scores, which a straight line joins.
Result<std::vector<RocPoint>> oscr_curve(const OpenSetScores& scores,
                                         std::span<const char> correct);

}  // namespace mien::metrics
