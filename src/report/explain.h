#pragma once

#include <string>
#include <vector>

#include "mien/engine/result.h"
#include "report/table.h"

namespace mien::report {

/// Explains why the first label leads: its best fitting descriptions and the best one of any other
/// label; for learned descriptions also the words closest to them. Empty without reasons.
std::vector<std::string> explanation(const std::vector<engine::LabelScore>& labels,
                                     const std::vector<engine::Reason>& reasons,
                                     const TableOptions& options);

}  // namespace mien::report
