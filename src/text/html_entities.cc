#include "text/html_entities.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mien::text {
namespace {

#include "text/html_entities.inc"

constexpr char32_t kReplacement = 0xFFFD;
constexpr std::size_t kMaxNameLength = 32;
constexpr std::size_t kMinBareLength = 2;

// Numbers 0x80..0x9F name Windows-1252 characters; 0 where that page has none.
constexpr char32_t kWindows1252[32] = {
    0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
    0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};

struct Entity {
  std::string_view name;
  char32_t value[2] = {0, 0};
  bool bare = false;  // the semicolon may be missing
};

char32_t hex_digit(char32_t c) {
  if (c >= U'0' && c <= U'9') return c - U'0';
  if (c >= U'a' && c <= U'f') return c - U'a' + 10;
  if (c >= U'A' && c <= U'F') return c - U'A' + 10;
  return 16;
}

std::vector<Entity> read_entities() {
  std::vector<Entity> out;
  out.reserve(2200);
  std::size_t at = 0;
  while (at < kEntityRecords.size()) {
    const std::size_t mark = kEntityRecords.find_first_of("=!", at);
    Entity entity;
    entity.name = kEntityRecords.substr(at, mark - at);
    entity.bare = kEntityRecords[mark] == '!';
    int which = 0;
    for (at = mark + 1; kEntityRecords[at] != ' '; ++at) {
      const char c = kEntityRecords[at];
      if (c == ',') {
        ++which;
      } else {
        entity.value[which] = entity.value[which] * 16 + hex_digit(static_cast<unsigned char>(c));
      }
    }
    ++at;
    out.push_back(entity);
  }
  return out;
}

const Entity* find_entity(std::string_view name) {
  static const std::vector<Entity> entities = read_entities();
  const auto it = std::lower_bound(
      entities.begin(), entities.end(), name,
      [](const Entity& entity, std::string_view key) { return entity.name < key; });
  return it != entities.end() && it->name == name ? &*it : nullptr;
}

void append_value(std::u32string& out, const Entity& entity) {
  out.push_back(entity.value[0]);
  if (entity.value[1] != 0) out.push_back(entity.value[1]);
}

bool is_forbidden(char32_t c) {
  return (c >= 0x1 && c <= 0x8) || c == 0xB || (c >= 0xE && c <= 0x1F) ||
         (c >= 0x7F && c <= 0x9F) || (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
}

void append_number(std::u32string& out, char32_t number) {
  if (number == 0) {
    out.push_back(kReplacement);
  } else if (number >= 0x80 && number <= 0x9F) {
    out.push_back(kWindows1252[number - 0x80]);
  } else if (number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF)) {
    out.push_back(kReplacement);
  } else if (!is_forbidden(number)) {
    out.push_back(number);
  }
}

// Reads "#65;" or "#x41;" at `at`; returns the length, 0 when it is no reference.
std::size_t unescape_number(std::u32string_view text, std::size_t at, std::u32string& out) {
  std::size_t i = at + 1;
  const bool hex = i < text.size() && (text[i] == U'x' || text[i] == U'X');
  const char32_t base = hex ? 16 : 10;
  if (hex) ++i;
  const std::size_t first_digit = i;
  char32_t number = 0;
  for (; i < text.size() && hex_digit(text[i]) < base; ++i) {
    number = std::min<char32_t>(number * base + hex_digit(text[i]), 0x110000);
  }
  if (i == first_digit) return 0;
  if (i < text.size() && text[i] == U';') ++i;
  append_number(out, number);
  return i - at;
}

// Reads a name at `at`; returns the length used, 0 when no entity begins there.
std::size_t unescape_name(std::u32string_view text, std::size_t at, std::u32string& out) {
  char name[kMaxNameLength];
  std::size_t length = 0;
  // Names are ASCII letters and digits; anything else can only end the part that matters.
  while (length < kMaxNameLength && at + length < text.size()) {
    const char32_t c = text[at + length];
    const bool alphanumeric =
        (c >= U'0' && c <= U'9') || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
    if (!alphanumeric) break;
    name[length++] = static_cast<char>(c);
  }
  if (at + length < text.size() && text[at + length] == U';') {
    const Entity* entity = find_entity({name, length});
    if (entity != nullptr) {
      append_value(out, *entity);
      return length + 1;
    }
  }
  for (std::size_t n = length; n >= kMinBareLength; --n) {
    const Entity* entity = find_entity({name, n});
    if (entity != nullptr && entity->bare) {
      append_value(out, *entity);
      return n;
    }
  }
  return 0;
}

}  // namespace

std::u32string html_unescape(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  std::size_t i = 0;
  while (i < text.size()) {
    const char32_t c = text[i++];
    if (c != U'&' || i == text.size()) {
      out.push_back(c);
      continue;
    }
    const std::size_t used =
        text[i] == U'#' ? unescape_number(text, i, out) : unescape_name(text, i, out);
    if (used == 0) out.push_back(c);
    i += used;
  }
  return out;
}

}  // namespace mien::text
