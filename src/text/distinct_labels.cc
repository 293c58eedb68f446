#include "text/distinct_labels.h"

#include <algorithm>
#include <vector>

#include "core/utf8.h"
#include "text/unicode.h"

namespace mien::text {
namespace {

// The texts, or the content of the parts in a fixed order, because a+b is b+a.
std::string content_of(const Label& label) {
  std::vector<std::string> pieces = label.texts;
  for (const Label& part : label.parts) pieces.push_back(content_of(part));
  if (!label.parts.empty()) std::sort(pieces.begin(), pieces.end());
  std::string out = label.parts.empty() ? "texts" : "parts";
  for (const std::string& piece : pieces) {
    out += ' ' + std::to_string(piece.size()) + ':' + piece;
  }
  return out;
}

}  // namespace

std::string folded_name(std::string_view name) {
  const std::vector<char32_t> points = to_code_points(name);
  std::string out;
  bool gap = false;
  for (const char32_t c : to_lower({points.begin(), points.end()})) {
    if (is_space(c) || c == U'-' || c == U'_') {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    append_utf8(out, c);
  }
  // A name of hyphens only stays as it is.
  return out.empty() ? std::string(name) : out;
}

std::optional<DistinctLabels::Clash> DistinctLabels::add(const Label& label) {
  std::string content = content_of(label);
  const auto found = contents_.find(content);
  const auto name = names_.try_emplace(folded_name(label.name), count_);
  if (!name.second) {
    const std::size_t first = name.first->second;
    return Clash{first, found != contents_.end() && found->second == first};
  }
  if (!synonyms_ && found != contents_.end()) {
    names_.erase(name.first);
    return Clash{found->second, true};
  }
  contents_.try_emplace(std::move(content), count_);
  ++count_;
  return std::nullopt;
}

}  // namespace mien::text
