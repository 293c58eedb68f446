#pragma once

#include <string>
#include <vector>

#include "mien/engine/result.h"
#include "report/table.h"

namespace mien::report {

/// Why the first label leads: its best fitting descriptions, and the best one of any other label;
/// of learned descriptions also the words they are near to. Empty without reasons.
std::vector<std::string> explanation(const std::vector<engine::LabelScore>& labels,
                                     const std::vector<engine::Reason>& reasons,
                                     const TableOptions& options);

}  // namespace mien::report
