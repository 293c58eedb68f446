#pragma once

#include <string_view>

namespace mien {

/// Orders names as people count: runs of digits compare as numbers, so that "frame9" comes before
/// "frame10"; everything else compares by bytes. A total order: names with equal numbers ("1",
/// "01") compare by bytes.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace mien
