#pragma once

#include <string>
#include <string_view>

namespace mien::text {

/// Python's html.unescape(): every named entity of HTML 5, decimal and hexadecimal references, with
/// the standard's repairs (Windows-1252 numbers, missing semicolons, forbidden code points).
std::u32string html_unescape(std::u32string_view text);

}  // namespace mien::text
