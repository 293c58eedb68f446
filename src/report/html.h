#pragma once

#include <string>
#include <string_view>

namespace mien::report {

/// printable() text for the body and the quoted attributes of a page.
std::string escape_html(std::string_view text);

}  // namespace mien::report
