#include "text/label_parts.h"

#include <algorithm>

#include "core/utf8.h"
#include "mien/text/prompts.h"
#include "text/quote.h"

namespace mien::text {
namespace {

constexpr std::string_view kAsciiSpace = " \t\r\n\v\f";

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

Status check_text(std::string_view what, std::string_view text, std::uint64_t max_bytes) {
  const std::string subject = std::string(what) + " " + in_quotes(text);
  if (text.size() > max_bytes) {
    return resource_limit(subject + ": too long (expected at most " + std::to_string(max_bytes) +
                          " bytes, got " + std::to_string(text.size()) + ")");
  }
  if (!is_valid_utf8(text)) return invalid_argument(std::string(what) + ": not UTF-8");
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return invalid_argument(subject + ": control character");
  }
  return {};
}

}  // namespace

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kAsciiSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAsciiSpace) - first + 1);
}

Status check_name(std::string_view name, const Limits& limits) {
  if (trim(name).empty()) return invalid_argument("empty label");
  return check_text("label", name, std::min(kMaxNameBytes, limits.max_text_bytes));
}

Result<std::string> clean_description(std::string_view text, const Limits& limits) {
  std::string out;
  out.reserve(text.size());
  for (const char c : trim(text)) {
    const bool space = kAsciiSpace.find(c) != std::string_view::npos;
    if (!space) {
      out.push_back(c);
    } else if (out.back() != ' ') {
      out.push_back(' ');
    }
  }
  if (out.empty()) return invalid_argument("empty text");
  MIEN_RETURN_IF_ERROR(
      check_text("text", out, std::min(kMaxDescriptionBytes, limits.max_text_bytes)));
  return out;
}

Status check_parts(const std::vector<std::string>& parts) {
  if (parts.size() > kMaxParts) {
    return resource_limit("compound label: too many parts (expected at most " +
                          std::to_string(kMaxParts) + ", got " + std::to_string(parts.size()) +
                          ")");
  }
  for (auto it = parts.begin(); it != parts.end(); ++it) {
    if (it->empty()) {
      return invalid_argument("compound label: empty part (expected words on both sides of +)");
    }
    if (std::find(parts.begin(), it, *it) != it) {
      return invalid_argument("compound label: duplicate part " + in_quotes(*it));
    }
  }
  return {};
}

Result<std::vector<std::string>> split_compound(std::string_view name) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('+', at), name.size());
    parts.emplace_back(trim(name.substr(at, end - at)));
    at = end + 1;
    if (parts.size() > kMaxParts) break;
  }
  MIEN_RETURN_IF_ERROR(check_parts(parts));
  return parts;
}

Label make_label(const std::vector<std::string>& parts) {
  if (parts.size() == 1) return described(parts[0]);
  Label out;
  for (const std::string& part : parts) {
    if (!out.name.empty()) out.name += '+';
    out.name += part;
    out.parts.push_back(described(part));
  }
  return out;
}

}  // namespace mien::text
