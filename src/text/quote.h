#pragma once

#include <string>
#include <string_view>

namespace mien::text {

/// `text` in double quotes for a message: one line, at most 60 bytes, control characters as '?'.
std::string in_quotes(std::string_view text);

}  // namespace mien::text
