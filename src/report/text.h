#pragma once

#include <string>
#include <string_view>

namespace mien::report {

/// `text` made safe to show on a terminal or in a picture: control characters become visible
/// escapes (`\n`, `\x1b`, `\u202e`), among them C1 controls, line separators and the marks that
/// change the writing direction; ill-formed UTF-8 becomes U+FFFD.
/// At most `max_code_points` of the source are read; an ellipsis marks the omission.
std::string printable(std::string_view text, std::size_t max_code_points = 4096);

/// Columns that `text` takes on a terminal: wide characters (CJK, emoji) count 2, combining marks
/// 0, an emoji joined from several counts once.
int display_width(std::string_view text);

enum class Align { kLeft, kRight };

/// printable(`text`) in exactly `width` columns: padded with spaces, or cut with an ellipsis ("…",
/// with `unicode` false "~"). With `unicode` false everything beyond ASCII becomes "?".
std::string fit(std::string_view text, int width, Align align = Align::kLeft, bool unicode = true);

/// Like fit without padding: at most `width` columns.
std::string shorten(std::string_view text, int width, bool unicode = true);

}  // namespace mien::report
