#include "text/unicode.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "text/html_entities.h"
#include "text/split.h"

namespace mien::text {
namespace {

// FNV-1a of a number for every code point but the surrogates.
template <class Value>
std::uint64_t hash_of_all(Value&& value) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    hash = (hash ^ static_cast<std::uint64_t>(value(c))) * 0x100000001b3;
  }
  return hash;
}

// The expected hashes are those of unicodedata 14.0 and str in Python 3.11, the version that
// scripts/make_text_tables.py read.
TEST(Unicode, EveryCodePointIsAsInPython) {
  EXPECT_EQ(hash_of_all([](char32_t c) {
              return c == 0x130 ? U'\0' : to_lower(std::u32string(1, c)).front();
            }),
            0x7a1f59133dbb6a68);
  EXPECT_EQ(
      hash_of_all([](char32_t c) { return is_letter(c) + 2 * is_number(c) + 4 * is_space(c); }),
      0x805bb704c4c3ed67);
  EXPECT_EQ(hash_of_all([](char32_t c) { return is_strip_space(c); }), 0x7bb07f364b66b908);
  // Cased code points make a sigma after them final; case-ignorable ones are skipped.
  const auto makes_final = [](std::u32string before) {
    return to_lower(before + U'\u03A3').back() == U'\u03C2';
  };
  EXPECT_EQ(hash_of_all([&](char32_t c) {
              const bool cased = makes_final({c});
              return cased + 2 * (makes_final({U'A', c}) && !cased);
            }),
            0xff1c2c90180c4ea0);
}

TEST(Unicode, ClassesOfLettersNumbersAndSpaces) {
  for (const char32_t c : U"azAZ\u00DFé\u4F60\u0E44\U00010400\u02BC") {
    if (c != 0) {
      EXPECT_TRUE(is_letter(c)) << std::hex << static_cast<unsigned>(c);
    }
  }
  for (const char32_t c : U"09\u00BD\u00B2\u2163\u0663\u3007") {
    if (c != 0) {
      EXPECT_TRUE(is_number(c)) << std::hex << static_cast<unsigned>(c);
    }
  }
  for (const char32_t c :
       {U'@', U'[', U'`', U'{', U'/', U':', U'\u0301', U'\u20AC', U'\U0001F600'}) {
    EXPECT_FALSE(is_letter(c) || is_number(c)) << std::hex << static_cast<unsigned>(c);
  }
  EXPECT_TRUE(is_space(0x85) && is_space(0x3000) && is_space(0x0B));
  EXPECT_FALSE(is_space(0x1C) || is_space(0x200B) || is_space(0x180E) || is_space(0xFEFF));
  EXPECT_TRUE(is_strip_space(0x1C));
  EXPECT_FALSE(is_letter(0x10FFFF) || is_number(0xFFFFFFFF) || is_letter(0xD800));
}

TEST(Unicode, LowerCaseFollowsPython) {
  EXPECT_EQ(to_lower(U"ÄÖÜ ẞ Я Ǆ \U00010400"), U"äöü ß я ǆ \U00010428");
  EXPECT_EQ(to_lower(U"\u0130"), U"i\u0307");
  EXPECT_EQ(to_lower(U"\u212A\u212B\u2126"), U"k\u00E5\u03C9");
  EXPECT_EQ(to_lower(U"\u0131ßſ"), U"\u0131ßſ");
  EXPECT_EQ(to_lower(U""), U"");
}

TEST(Unicode, SigmaIsFinalAfterALetterAtTheEndOfAWord) {
  EXPECT_EQ(to_lower(U"ΟΔΟΣ"), U"οδος");
  EXPECT_EQ(to_lower(U"Σ"), U"σ");
  EXPECT_EQ(to_lower(U"ΑΣΑ"), U"ασα");
  EXPECT_EQ(to_lower(U"Α.Σ."), U"α.ς.");  // a full stop is case-ignorable
  EXPECT_EQ(to_lower(U"Α\u0301Σ'Α"), U"α\u0301σ'α");
}

TEST(HtmlEntities, NamedWithAndWithoutSemicolon) {
  EXPECT_EQ(html_unescape(U"&eacute;&eacute &notit; &notin; &NotEqualTilde;"),
            U"éé ¬it; ∉ ≂\u0338");
  EXPECT_EQ(html_unescape(U"&Abreve &Abreve;"), U"&Abreve Ă");  // this one needs its semicolon
  EXPECT_EQ(html_unescape(U"&CounterClockwiseContourIntegral;"), U"∳");
  EXPECT_EQ(html_unescape(U"& &; &x; &nosuch; &"), U"& &; &x; &nosuch; &");
}

TEST(HtmlEntities, NumbersAndTheirRepairs) {
  EXPECT_EQ(html_unescape(U"&#65;&#65&#x41;&#X41"), U"AAAA");
  EXPECT_EQ(html_unescape(U"&#128;&#x9f;&#x81;"), U"\u20AC\u0178\u0081");
  EXPECT_EQ(html_unescape(U"&#0;&#xD800;&#x110000;"), U"\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(html_unescape(U"&#99999999999999999999999999;"), U"\uFFFD");
  EXPECT_EQ(html_unescape(U"a&#1;&#xFFFE;&#x7f;b"), U"ab");
  EXPECT_EQ(html_unescape(U"&#;&#x;&#"), U"&#;&#x;&#");
}

TEST(Split, CleaningResolvesTwiceCollapsesAndStrips) {
  EXPECT_EQ(clean_text("  A \t\n B&amp;amp;C\u00a0 "), U"a b&c");
  EXPECT_EQ(clean_text(""), U"");
  EXPECT_EQ(clean_text(" \x1c \n"), U"");
  EXPECT_EQ(clean_text("a\xff\xc3"), U"a\uFFFD\uFFFD");
}

TEST(Split, PiecesOfThePattern) {
  const auto pieces = [](std::u32string_view text) {
    std::vector<std::u32string> out;
    std::size_t position = 0;
    for (Piece piece; next_piece(text, position, piece);) {
      out.emplace_back(text.substr(piece.begin, piece.end - piece.begin));
    }
    return out;
  };
  using List = std::vector<std::u32string>;
  EXPECT_EQ(pieces(U"it's don't"), (List{U"it", U"'s", U"don", U"'t"}));
  EXPECT_EQ(pieces(U"12a!?b"), (List{U"1", U"2", U"a", U"!?", U"b"}));
  EXPECT_EQ(pieces(U"!'s"), (List{U"!'", U"s"}));
  EXPECT_EQ(pieces(U"'ſ"), (List{U"'ſ"}));             // the long s is an s when case is ignored
  EXPECT_EQ(pieces(U"a\u0345b"), (List{U"a", U"b"}));  // and U+0345 an iota, in no class at all
  EXPECT_EQ(pieces(U" \u00a0"), List{});
}

}  // namespace
}  // namespace mien::text
