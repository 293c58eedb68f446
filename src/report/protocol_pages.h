#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/folds.h"
#include "eval/groups.h"
#include "eval/left_out.h"
#include "eval/robustness.h"
#include "mien/eval/open_set.h"
#include "report/evaluation.h"

namespace mien::report {

// Pages about protocols beyond one closed-set run: self-contained HTML without scripts, as
// evaluation_page(). Text from outside is escaped.

/// Means over folds with intervals, the folds, and the sum of their confusion matrices (if all have
/// the same classes).
std::string folds_page(const eval::FoldsReport& report, const Facts& facts,
                       std::string_view notice);

/// WAR by corruption and level, as a table and as lines.
std::string robustness_page(const eval::RobustnessReport& report, const Facts& facts,
                            std::string_view notice);

/// For each split the figures by score, ROC and OSCR curves; for several splits also the means over
/// those with the same number of known classes.
std::string open_set_page(const std::vector<eval::OpenSetResult>& results, const Facts& facts,
                          std::string_view notice);

/// For each left-out class its recall, AUROC of unknown and the answers for its samples.
std::string left_out_page(const eval::LeftOutReport& report, const Facts& facts,
                          std::string_view notice);

/// A part of an evaluation page: the figures per group.
std::string groups_html(const eval::GroupReport& report);

}  // namespace mien::report
