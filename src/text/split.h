#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mien::text {

/// The cleaning that CLIP applies to a text before splitting: HTML entities resolved twice, runs of
/// white space become one space, both ends stripped, lower case. Ill-formed UTF-8 becomes U+FFFD.
std::u32string clean_text(std::string_view utf8);

/// One match of CLIP's pattern in a cleaned text.
struct Piece {
  enum class Kind { kWord, kStart, kEnd };
  std::size_t begin = 0;
  std::size_t end = 0;
  Kind kind = Kind::kWord;
};

/// Finds the next piece at or after `position` and moves `position` past it; false at the end.
/// Source: the pattern of OpenAI's SimpleTokenizer, ignoring case:
/// <|startoftext|> | <|endoftext|> | 's 't 're 've 'm 'll 'd | \p{L}+ | \p{N} | [^\s\p{L}\p{N}]+
bool next_piece(std::u32string_view text, std::size_t& position, Piece& piece);

}  // namespace mien::text
