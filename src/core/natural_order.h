#pragma once

#include <string_view>

namespace mien {

/// Order of names as people count: runs of digits compare as numbers, so that "frame9" comes before
/// "frame10"; all else by its bytes. A total order: names that count the same ("1", "01") go by
/// their bytes.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace mien
