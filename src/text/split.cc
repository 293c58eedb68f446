#include "text/split.h"

#include <vector>

#include "core/utf8.h"
#include "text/html_entities.h"
#include "text/unicode.h"

namespace mien::text {
namespace {

constexpr char32_t kLongS = 0x17F;
constexpr char32_t kCombiningIota = 0x345;
constexpr std::u32string_view kStartText = U"<|startoftext|>";
constexpr std::u32string_view kEndText = U"<|endoftext|>";
constexpr std::u32string_view kContractions[] = {U"'s", U"'t",  U"'re", U"'ve",
                                                 U"'m", U"'ll", U"'d"};

std::u32string_view strip(std::u32string_view text) {
  while (!text.empty() && is_strip_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_strip_space(text.back())) text.remove_suffix(1);
  return text;
}

std::u32string collapse_space(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  bool in_space = false;
  for (const char32_t c : text) {
    const bool space = is_space(c);
    if (!space) {
      out.push_back(c);
    } else if (!in_space) {
      out.push_back(U' ');
    }
    in_space = space;
  }
  return out;
}

// Ignoring case also makes the long s stand for s; the text itself is lower case already.
bool matches(std::u32string_view text, std::size_t at, std::u32string_view literal) {
  if (literal.size() > text.size() - at) return false;
  for (std::size_t i = 0; i < literal.size(); ++i) {
    const char32_t c = text[at + i] == kLongS ? U's' : text[at + i];
    if (c != literal[i]) return false;
  }
  return true;
}

// Ignoring case, U+0345 equals the letter iota, but it is not a \p{L}: no part of the pattern
// matches it.
bool is_symbol(char32_t c) {
  return c != kCombiningIota && !is_space(c) && !is_letter(c) && !is_number(c);
}

std::size_t literal_length(std::u32string_view text, std::size_t at) {
  if (text[at] == U'<') {
    if (matches(text, at, kStartText)) return kStartText.size();
    if (matches(text, at, kEndText)) return kEndText.size();
  } else if (text[at] == U'\'') {
    for (const std::u32string_view contraction : kContractions) {
      if (matches(text, at, contraction)) return contraction.size();
    }
  }
  return 0;
}

}  // namespace

std::u32string clean_text(std::string_view utf8) {
  const std::vector<char32_t> points = to_code_points(utf8);
  const std::u32string_view raw(points.data(), points.size());
  std::u32string unescaped;
  std::u32string_view text = raw;
  if (utf8.find('&') != std::string_view::npos) {
    unescaped = html_unescape(html_unescape(raw));
    text = unescaped;
  }
  const std::u32string collapsed = collapse_space(strip(text));
  return to_lower(strip(collapsed));
}

bool next_piece(std::u32string_view text, std::size_t& position, Piece& piece) {
  for (; position < text.size(); ++position) {
    const std::size_t begin = position;
    piece.kind = Piece::Kind::kWord;
    std::size_t end = begin + literal_length(text, begin);
    if (end > begin) {
      // A special written with the long s matches as one piece, but is not the special token.
      const std::u32string_view found = text.substr(begin, end - begin);
      if (found == kStartText) piece.kind = Piece::Kind::kStart;
      if (found == kEndText) piece.kind = Piece::Kind::kEnd;
    } else if (is_letter(text[begin])) {
      while (end < text.size() && is_letter(text[end])) ++end;
    } else if (is_number(text[begin])) {
      end = begin + 1;
    } else {
      while (end < text.size() && is_symbol(text[end])) ++end;
    }
    if (end == begin) continue;
    piece.begin = begin;
    piece.end = end;
    position = end;
    return true;
  }
  return false;
}

}  // namespace mien::text
