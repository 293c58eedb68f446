#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien {

/// True when `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool is_valid_utf8(std::string_view text);

/// Refuses text of another encoding that a byte order mark or zero bytes give away, as spreadsheets
/// and editors write it. Errors: kUnsupported, with the remedy.
Status check_is_utf8_text(std::string_view text, std::string_view subject);

/// Code points of `text`; malformed bytes become U+FFFD, one per maximal bad part.
std::vector<char32_t> to_code_points(std::string_view text);

/// Appends one code point as UTF-8.
void append_utf8(std::string& out, char32_t code_point);

}  // namespace mien
