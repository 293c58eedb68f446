#pragma once

#include <string>
#include <string_view>

namespace mien::text {

/// Unicode properties as Python's `unicodedata` and `regex` see them; tables in unicode_tables.inc.
bool is_letter(char32_t c);  ///< \p{L}
bool is_number(char32_t c);  ///< \p{N}
bool is_space(char32_t c);   ///< \s of a Unicode pattern (White_Space)
/// What Python's str.strip() removes: is_space and the separators U+001C..U+001F.
bool is_strip_space(char32_t c);

/// Python's str.lower(), with the final form of sigma and the two code points of U+0130.
std::u32string to_lower(std::u32string_view text);

}  // namespace mien::text
