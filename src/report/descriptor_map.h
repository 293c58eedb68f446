#pragma once

#include <string>
#include <vector>

#include "mien/eval/descriptors.h"

namespace mien::report {

/// A part of an evaluation page: a heat map (SVG) of how close the samples of each class are to
/// each description. Empty if there is nothing to show. Text from outside is escaped.
std::string descriptor_map_html(const eval::DescriptorMap& map,
                                const std::vector<std::string>& classes);

}  // namespace mien::report
