#include "text/quote.h"

#include <cstddef>

namespace mien::text {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMaxBytes = 60;
  std::size_t length = text.size();
  if (length > kMaxBytes) {
    length = kMaxBytes;
    // Not in the middle of a UTF-8 sequence.
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  }
  std::string out = "\"";
  for (const char c : text.substr(0, length)) {
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  }
  return out + (length < text.size() ? "...\"" : "\"");
}

}  // namespace mien::text
