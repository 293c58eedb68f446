#include "core/utf8.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>

namespace mien {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Decoded {
  char32_t code_point;
  std::size_t length;
  bool valid;
};

// Decodes one code point at `i`; on a malformed sequence `length` covers its maximal valid prefix
// (at least 1).
Decoded decode_at(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char lead = byte(i);
  if (lead < 0x80) return {lead, 1, true};
  std::size_t need = 0;
  char32_t value = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    need = 1;
    value = lead & 0x1F;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    need = 2;
    value = lead & 0x0F;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    need = 3;
    value = lead & 0x07;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {kReplacement, 1, false};
  }
  for (std::size_t k = 1; k <= need; ++k) {
    if (i + k >= text.size() || byte(i + k) < low || byte(i + k) > high) {
      return {kReplacement, k, false};
    }
    value = (value << 6) | (byte(i + k) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {value, need + 1, true};
}

}  // namespace

Status check_is_utf8_text(std::string_view text, std::string_view subject) {
  const std::string_view head = text.substr(0, 4096);
  const bool marked = head.starts_with("\xFF\xFE") || head.starts_with("\xFE\xFF");
  if (!marked && head.find('\0') == std::string_view::npos) return {};
  return unsupported(std::string(subject) +
                     (marked ? ": is UTF-16 text (expected UTF-8: in Excel save as \"CSV UTF-8\", "
                               "in other programs choose UTF-8)"
                             : ": is not text (expected UTF-8)"));
}

bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const Decoded d = decode_at(text, i);
    if (!d.valid) return false;
    i += d.length;
  }
  return true;
}

std::vector<char32_t> to_code_points(std::string_view text) {
  std::vector<char32_t> out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const Decoded d = decode_at(text, i);
    out.push_back(d.code_point);
    i += d.length;
  }
  return out;
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](char32_t b) { out += static_cast<char>(static_cast<unsigned char>(b)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | (c >> 6));
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

namespace {

// C0 and C1 controls, and Unicode characters that hide text or change its direction.
bool is_control_or_mark(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x61C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB);
}

std::string escape_of(char32_t c) {
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, c < 0x80 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
  return buffer;
}

}  // namespace

std::string escape_controls(std::string_view text, std::size_t max_code_points) {
  // A code point has at most four bytes, so more than these need not be decoded.
  const bool long_text = text.size() / 4 > max_code_points;
  const std::string_view part = long_text ? text.substr(0, 4 * max_code_points) : text;
  const std::vector<char32_t> points = to_code_points(part);
  const std::size_t kept = std::min(points.size(), max_code_points);
  std::string out;
  out.reserve(part.size());
  for (std::size_t i = 0; i < kept; ++i) {
    if (is_control_or_mark(points[i])) {
      out += escape_of(points[i]);
    } else {
      append_utf8(out, points[i]);
    }
  }
  if (part.size() < text.size() || kept < points.size()) out += "…";
  return out;
}

}  // namespace mien
