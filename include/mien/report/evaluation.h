#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mien/eval/closed_set.h"

namespace mien::report {

/// What an evaluation page tells besides the figures: ("bundle", "clip-b32"), ...
using Facts = std::vector<std::pair<std::string, std::string>>;

/// The figures as text: WAR, UAR, recall per class, confusion matrix. Absent classes are named.
std::string evaluation_table(const eval::ClosedSetReport& report, bool unicode = true);

/// One self-contained HTML page (no script, nothing loaded): figures with intervals, confusion
/// matrix and reliability curve as SVG; light and dark. Everything from outside is escaped but
/// `more`, which are further parts as HTML (descriptor_map_html).
std::string evaluation_html(const eval::ClosedSetReport& report, const Facts& facts,
                            std::string_view notice, std::string_view more = {});

}  // namespace mien::report
