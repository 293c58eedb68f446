#pragma once

#include <string>
#include <vector>

#include "mien/eval/descriptors.h"

namespace mien::report {

/// A part of an evaluation page: which descriptions the samples of every class are near to, as a
/// heat map (SVG). Empty when there is nothing to show. Everything from outside is escaped.
std::string descriptor_map_html(const eval::DescriptorMap& map,
                                const std::vector<std::string>& classes);

}  // namespace mien::report
