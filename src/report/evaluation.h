#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mien/eval/closed_set.h"
#include "mien/eval/regression.h"

namespace mien::report {

/// Facts on an evaluation page besides the figures: ("bundle", "clip-b32"), ...
using Facts = std::vector<std::pair<std::string, std::string>>;

/// The figures as text: WAR, UAR, recall per class, confusion matrix. Absent classes are named.
std::string evaluation_table(const eval::ClosedSetReport& report, bool unicode = true);

/// The figures of a regression as text: per target PCC, CCC, MAE and RMSE with their intervals.
std::string regression_table(const eval::RegressionReport& report, bool unicode = true);

/// The same as one self-contained HTML page (no script, no external resources; light and dark),
/// with a scatter plot per target as SVG. Precondition: `report` is of `run`.
std::string regression_html(const eval::RegressionReport& report, const eval::RegressionRun& run,
                            const Facts& facts, std::string_view notice);

}  // namespace mien::report
