#include "text/unicode.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace mien::text {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// lower(c) = c + delta for every stride-th c of [first, last].
struct LowerRun {
  char32_t first;
  char32_t last;
  std::uint32_t stride;
  std::int32_t delta;
};

#include "text/unicode_tables.inc"

constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kSigma = 0x3C3;
constexpr char32_t kFinalSigma = 0x3C2;
constexpr char32_t kCapitalDottedI = 0x130;

// The entry of a sorted table that could contain `c`, or nullptr.
template <class Entry, std::size_t kCount>
const Entry* find_range(const Entry (&table)[kCount], char32_t c) {
  const Entry* after =
      std::upper_bound(std::begin(table), std::end(table), c,
                       [](char32_t value, const Entry& entry) { return value < entry.first; });
  if (after == std::begin(table)) return nullptr;
  const Entry* entry = after - 1;
  return c <= entry->last ? entry : nullptr;
}

// The rule of Unicode's SpecialCasing: after a cased letter and not before one, skipping
// case-ignorable code points.
bool is_final_sigma(std::u32string_view text, std::size_t at) {
  const auto ignorable = [](char32_t c) { return find_range(kCaseIgnorable, c) != nullptr; };
  std::size_t before = at;
  while (before > 0 && ignorable(text[before - 1])) --before;
  if (before == 0 || find_range(kCased, text[before - 1]) == nullptr) return false;
  std::size_t after = at + 1;
  while (after < text.size() && ignorable(text[after])) ++after;
  return after == text.size() || find_range(kCased, text[after]) == nullptr;
}

char32_t lower_of(char32_t c) {
  if (c < 0x80) return c >= U'A' && c <= U'Z' ? c + 0x20 : c;
  const LowerRun* run = find_range(kLowerRuns, c);
  if (run == nullptr || (c - run->first) % run->stride != 0) return c;
  return static_cast<char32_t>(static_cast<std::int64_t>(c) + run->delta);
}

}  // namespace

bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
  return find_range(kLetters, c) != nullptr;
}

bool is_number(char32_t c) {
  if (c < 0x80) return c >= U'0' && c <= U'9';
  return find_range(kNumbers, c) != nullptr;
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == U' ' || (c >= 0x09 && c <= 0x0D);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_strip_space(char32_t c) { return is_space(c) || (c >= 0x1C && c <= 0x1F); }

std::u32string to_lower(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c == kCapitalSigma) {
      out.push_back(is_final_sigma(text, i) ? kFinalSigma : kSigma);
    } else if (c == kCapitalDottedI) {
      out.append(U"i\u0307");
    } else {
      out.push_back(lower_of(c));
    }
  }
  return out;
}

}  // namespace mien::text
