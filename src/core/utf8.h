#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien {

/// True when `text` is well-formed UTF-8 (no overlong forms, no surrogates).
bool is_valid_utf8(std::string_view text);

/// Rejects text in another encoding, as spreadsheets and editors write it, recognised by a byte
/// order mark or zero bytes. Errors: kUnsupported, saying what to do.
Status check_is_utf8_text(std::string_view text, std::string_view subject);

/// Code points of `text`; malformed bytes become U+FFFD, one per maximal bad part.
std::vector<char32_t> to_code_points(std::string_view text);

/// Appends one code point as UTF-8.
void append_utf8(std::string& out, char32_t code_point);

/// Text from outside, safe inside a message, a table or a document: control characters and marks
/// that change the writing direction become escapes (`\n`, `\x1b`, `\u202e`), ill-formed UTF-8
/// becomes U+FFFD. At most `max_code_points` are kept; an ellipsis marks what was cut.
std::string escape_controls(std::string_view text, std::size_t max_code_points = 4096);

}  // namespace mien
