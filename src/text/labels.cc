#include "mien/text/labels.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "mien/core/file.h"
#include "text/builtin_labels.h"
#include "text/label_names.h"
#include "text/label_parts.h"
#include "text/quote.h"

namespace mien::text {
namespace {

struct BuiltinSet {
  std::string_view name;
  std::span<const BuiltinLabel> (*from)();
  std::size_t labels;  ///< the first so many
};
constexpr std::array<BuiltinSet, 4> kSets = {{{"basic7", builtin_labels, 7},
                                              {"basic8", builtin_labels, 8},
                                              {"mafw11", builtin_labels, 11},
                                              {"shapes7", builtin_shapes, 7}}};

std::vector<LabelSet> make_builtin_sets() {
  std::vector<LabelSet> sets;
  for (const BuiltinSet& set : kSets) {
    LabelSet& out = sets.emplace_back();
    out.name = set.name;
    for (const BuiltinLabel& label : set.from().first(set.labels)) {
      out.labels.push_back({.name = std::string(label.name),
                            .texts = {label.texts.begin(), label.texts.end()},
                            .parts = {}});
    }
  }
  return sets;
}

Result<LabelSet> labels_from_words(std::string_view list, const Limits& limits) {
  LabelSet out;
  out.name = "custom";
  MIEN_ASSIGN_OR_RETURN(const auto names, split_names(list, limits.max_labels));
  std::unordered_set<std::string> seen;
  for (const std::vector<std::string>& parts : names) {
    if (parts.size() > 1) MIEN_RETURN_IF_ERROR(check_parts(parts));
    for (const std::string& part : parts) {
      if (Status status = check_name(part, limits); !status.ok()) {
        return status.with_prefix("labels");
      }
    }
    Label label = make_label(parts);
    if (!seen.insert(label.name).second) {
      return invalid_argument("labels: repeated label " + in_quotes(label.name));
    }
    out.labels.push_back(std::move(label));
  }
  return out;
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return text.ends_with(ending); });
}

std::string known_sets() {
  std::string out;
  for (const BuiltinSet& set : kSets) {
    if (!out.empty()) out += set.name == kSets.back().name ? " or " : ", ";
    out += set.name;
  }
  return out;
}

// One bare word that is probably not meant as a label.
Status check_single_word(std::string_view word) {
  const std::string expected =
      " (expected " + known_sets() + ", a YAML file, or words separated by commas";
  if (word.find('/') != std::string_view::npos ||
      ends_with_any(word, {".yaml", ".yml", ".json", ".txt"})) {
    return not_found("labels " + in_quotes(word) + ": no such file" + expected + ")");
  }
  if (const std::string_view set = similar_set(word); !set.empty()) {
    return not_found("labels " + in_quotes(word) + ": no such set" + expected + "; did you mean " +
                     std::string(set) + "?)");
  }
  return {};
}

}  // namespace

bool Label::operator==(const Label& other) const {
  return name == other.name && texts == other.texts && parts == other.parts;
}

const LabelSet* find_builtin_labels(std::string_view name) {
  static const std::vector<LabelSet> sets = make_builtin_sets();
  const auto it =
      std::find_if(sets.begin(), sets.end(), [&](const LabelSet& set) { return set.name == name; });
  return it == sets.end() ? nullptr : &*it;
}

std::vector<std::string_view> builtin_label_names() {
  std::vector<std::string_view> out;
  for (const BuiltinSet& set : kSets) out.push_back(set.name);
  return out;
}

Result<LabelSet> load_labels(std::string_view argument, const Limits& limits) {
  constexpr std::size_t kLongestPath = 4096;
  if (argument.size() > kMaxLabelFileBytes) {
    return resource_limit("labels: too long (expected at most " +
                          std::to_string(kMaxLabelFileBytes) + " bytes, got " +
                          std::to_string(argument.size()) + ")");
  }
  const std::string_view word = trim(argument);
  if (word.empty()) return invalid_argument("labels: empty set (expected at least one label)");
  if (const LabelSet* set = find_builtin_labels(word); set != nullptr) return *set;
  const bool bare = word.find_first_of(",+\"") == std::string_view::npos;
  if (argument.size() <= kLongestPath && argument.find('\0') == std::string_view::npos) {
    const std::filesystem::path path{std::string(argument)};
    std::error_code ignored;
    const auto type = std::filesystem::status(path, ignored).type();
    if (type == std::filesystem::file_type::directory) {
      // A folder named like a label is no reason to refuse the label.
      if (bare && word.find('/') != std::string_view::npos) {
        return invalid_argument("labels " + in_quotes(word) +
                                ": is a folder (expected a YAML file)");
      }
    } else if (std::filesystem::exists(path, ignored)) {
      MIEN_ASSIGN_OR_RETURN(
          const std::string yaml,
          read_text_file(path, std::min(limits.max_file_bytes, kMaxLabelFileBytes)));
      return parse_labels_yaml(yaml, argument, limits);
    }
  }
  if (bare) MIEN_RETURN_IF_ERROR(check_single_word(word));
  return labels_from_words(word, limits);
}

}  // namespace mien::text
