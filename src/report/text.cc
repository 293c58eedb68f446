#include "report/text.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <vector>

#include "core/utf8.h"

namespace mien::report {
namespace {

struct CharRange {
  char32_t first;
  char32_t last;
};
#include "report/char_width.inc"

constexpr int kMaxMarks = 8;  // combining marks kept on one base character

template <std::size_t N>
bool contains(const CharRange (&ranges)[N], char32_t c) {
  const auto* it = std::upper_bound(std::begin(ranges), std::end(ranges), c,
                                    [](char32_t v, const CharRange& r) { return v < r.first; });
  return it != std::begin(ranges) && c <= std::prev(it)->last;
}

constexpr char32_t kJoiner = 0x200D;
constexpr char32_t kEmojiStyle = 0xFE0F;

bool is_flag_letter(char32_t c) { return c >= 0x1F1E6 && c <= 0x1F1FF; }
bool is_skin_tone(char32_t c) { return c >= 0x1F3FB && c <= 0x1F3FF; }

int char_width(char32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return 0;
  if (c < 0x300) return 1;
  if (contains(kZeroWidth, c)) return 0;
  return contains(kWide, c) || is_flag_letter(c) ? 2 : 1;
}

// One unit that a terminal draws as one character: a base character with its marks, a joined emoji
// or a flag.
struct Cluster {
  std::size_t end;
  int width;
};

Cluster cluster_at(const std::vector<char32_t>& text, std::size_t i) {
  const char32_t base = text[i];
  int width = char_width(base);
  std::size_t k = i + 1;
  if (is_flag_letter(base) && k < text.size() && is_flag_letter(text[k])) return {k + 1, 2};
  while (k < text.size()) {
    const char32_t c = text[k];
    if (c == kJoiner && k + 1 < text.size() && width == 2 && char_width(text[k + 1]) > 0) {
      k += 2;
    } else if (c == kEmojiStyle) {
      width = std::max(width, base > 0xFF ? 2 : width);
      ++k;
    } else if ((width == 2 && is_skin_tone(c)) || (c >= 0x300 && char_width(c) == 0)) {
      ++k;
    } else {
      break;
    }
  }
  return {k, width};
}

bool is_dangerous(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x61C || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB);
}

void append_escape(std::string& out, char32_t c) {
  char buffer[16];
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  std::snprintf(buffer, sizeof buffer, c < 0x80 ? "\\x%02x" : "\\u%04x", static_cast<unsigned>(c));
  out += buffer;
}

// The first `max_code_points` of `text` without decoding all of it.
std::string_view head(std::string_view text, std::size_t max_code_points) {
  return text.size() / 4 <= max_code_points ? text : text.substr(0, 4 * max_code_points);
}

std::string clusters_to_text(const std::vector<char32_t>& text, std::size_t from, std::size_t to) {
  std::string out;
  int marks = 0;
  for (std::size_t i = from; i < to; ++i) {
    marks = char_width(text[i]) == 0 ? marks + 1 : 0;
    if (marks <= kMaxMarks) append_utf8(out, text[i]);
  }
  return out;
}

std::string to_ascii(std::string_view text) {
  std::string out;
  const std::vector<char32_t> points = to_code_points(text);
  for (std::size_t i = 0; i < points.size(); i = cluster_at(points, i).end) {
    out += points[i] < 0x7F ? static_cast<char>(points[i]) : '?';
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text, std::size_t max_code_points) {
  const std::string_view part = head(text, max_code_points);
  std::vector<char32_t> points = to_code_points(part);
  const bool cut = part.size() < text.size() || points.size() > max_code_points;
  if (points.size() > max_code_points) points.resize(max_code_points);
  std::string out;
  out.reserve(part.size());
  int marks = 0;
  for (const char32_t c : points) {
    if (is_dangerous(c)) {
      append_escape(out, c);
      continue;
    }
    marks = char_width(c) == 0 ? marks + 1 : 0;
    if (marks <= kMaxMarks) append_utf8(out, c);
  }
  if (cut) out += "…";
  return out;
}

int display_width(std::string_view text) {
  const std::vector<char32_t> points = to_code_points(text);
  int width = 0;
  for (std::size_t i = 0; i < points.size();) {
    const Cluster cluster = cluster_at(points, i);
    width += cluster.width;
    i = cluster.end;
  }
  return width;
}

std::string shorten(std::string_view text, int width, bool unicode) {
  if (width <= 0) return {};
  // A cluster of one column may hold many code points; 32 per column is more than any script needs.
  std::string clean = printable(text, static_cast<std::size_t>(width) * 32 + 32);
  if (!unicode) clean = to_ascii(clean);
  const std::vector<char32_t> points = to_code_points(clean);
  int used = 0;
  std::size_t keep = 0;  // code points that fit beside an ellipsis
  for (std::size_t i = 0; i < points.size();) {
    const Cluster cluster = cluster_at(points, i);
    used += cluster.width;
    if (used > width) {
      return clusters_to_text(points, 0, keep) + (unicode ? "…" : "~");
    }
    i = cluster.end;
    if (used <= width - 1) keep = i;
  }
  return clusters_to_text(points, 0, points.size());
}

std::string fit(std::string_view text, int width, Align align, bool unicode) {
  std::string out = shorten(text, width, unicode);
  const int missing = std::max(0, width - display_width(out));
  const std::string space(static_cast<std::size_t>(missing), ' ');
  return align == Align::kLeft ? out + space : space + out;
}

}  // namespace mien::report
