#include "text/label_names.h"

#include <algorithm>
#include <array>

#include "core/spelling.h"
#include "mien/text/labels.h"
#include "text/label_parts.h"

namespace mien::text {
namespace {

// Separators of words: comma, semicolon, bar, and the commas and semicolons of Chinese, Japanese
// and Arabic in UTF-8.
constexpr std::array<std::string_view, 8> kSeparators = {
    ",", ";", "|", "\xEF\xBC\x8C", "\xEF\xBC\x9B", "\xE3\x80\x81", "\xD8\x8C", "\xD8\x9B"};

// Length of the separator that `text` starts with, or 0.
std::size_t separator_at(std::string_view text) {
  for (const std::string_view separator : kSeparators) {
    if (text.starts_with(separator)) return separator.size();
  }
  return 0;
}

// Reads one part up to an unquoted separator or plus sign, or to the end.
class PartReader {
 public:
  explicit PartReader(std::string_view list) : list_(list) {}

  bool at_end() const { return at_ >= list_.size(); }
  /// Whether the last part was quoted.
  bool quoted() const { return quoted_; }
  /// Skips the separator after the last part; true for a plus sign. Precondition: not at_end().
  bool take_plus() {
    const bool plus = list_[at_] == '+';
    at_ += plus ? 1 : separator_at(list_.substr(at_));
    return plus;
  }

  Result<std::string> part() {
    skip_space();
    quoted_ = !at_end() && list_[at_] == '"';
    if (quoted_) return quoted_part();
    const std::size_t begin = at_;
    while (!at_end() && !at_stop()) ++at_;
    if (!at_end() && list_[at_] == '"') return problem("text beside a quote");
    return std::string(trim(list_.substr(begin, at_ - begin)));
  }

 private:
  bool at_stop() const {
    return list_[at_] == '+' || list_[at_] == '"' || separator_at(list_.substr(at_)) != 0;
  }

  void skip_space() {
    while (!at_end() && trim(list_.substr(at_, 1)).empty()) ++at_;
  }

  Status problem(std::string_view what) const {
    return invalid_argument(std::string(what) + " at position " + std::to_string(at_ + 1));
  }

  Result<std::string> quoted_part() {
    std::string out;
    const std::size_t opened = at_++;
    while (true) {
      if (at_end()) {
        at_ = opened;
        return problem("quote without end");
      }
      const char c = list_[at_++];
      if (c != '"') {
        out.push_back(c);
      } else if (!at_end() && list_[at_] == '"') {
        out.push_back(list_[at_++]);
      } else {
        break;
      }
    }
    skip_space();
    if (!at_end() && (list_[at_] == '"' || !at_stop())) return problem("text beside a quote");
    return std::string(trim(out));
  }

  std::string_view list_;
  std::size_t at_ = 0;
  bool quoted_ = false;
};

std::string_view stem(std::string_view word) {
  const std::size_t last = word.find_last_not_of("0123456789");
  return word.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

Result<std::vector<WrittenName>> split_names(std::string_view list, std::uint64_t max_names) {
  std::vector<WrittenName> names(1);
  PartReader reader(list);
  while (true) {
    MIEN_ASSIGN_OR_RETURN(std::string part, reader.part());
    names.back().parts.push_back(std::move(part));
    names.back().quoted = names.back().quoted || reader.quoted();
    if (reader.at_end()) break;
    if (reader.take_plus()) continue;
    if (names.size() >= max_names) {
      return resource_limit("too many labels (expected at most " + std::to_string(max_names) + ")");
    }
    names.emplace_back();
  }
  return names;
}

std::string_view similar_set(std::string_view word) {
  constexpr std::size_t kLongestWord = 16;
  if (word.size() > kLongestWord) return {};
  std::string plain;
  for (const char c : word) {
    if (c == '-' || c == '_' || c == ' ') continue;
    plain.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  std::vector<std::string_view> sets = builtin_label_names();
  if (const auto near = nearest(plain, sets, 1); !near.empty()) return sets[near.front()];
  // Another number of labels.
  std::erase_if(sets, [&](std::string_view set) { return stem(plain) != stem(set); });
  const auto near = nearest(plain, sets);
  return near.empty() ? std::string_view() : sets[near.front()];
}

}  // namespace mien::text
