#include "mien/text/labels.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/file.h"
#include "core/utf8.h"
#include "text/builtin_labels.h"
#include "text/label_list.h"
#include "text/label_names.h"
#include "text/label_parts.h"
#include "text/quote.h"

namespace mien::text {
namespace {

struct BuiltinSet {
  std::string_view name;
  std::span<const BuiltinLabel> (*from)();
  std::size_t labels;  ///< the first `labels` of them
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
                            .parts = {},
                            .origin = Label::Origin::kBuiltIn});
    }
  }
  return sets;
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return text.ends_with(ending); });
}

// True for an unquoted word that is probably a file.
Status check_not_a_file(std::string_view word) {
  if (word.find('/') == std::string_view::npos &&
      !ends_with_any(word, {".yaml", ".yml", ".json", ".txt", ".csv"})) {
    return {};
  }
  return not_found("labels " + in_quotes(word) + ": no such file (expected " + known_sets() +
                   ", a label file, or words separated by commas)");
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

namespace {

// The file that `argument` names, if any. Errors: kInvalidArgument for a folder.
Result<std::optional<std::string>> label_file(std::string_view argument, bool bare,
                                              const Limits& limits) {
  constexpr std::size_t kLongestPath = 4096;
  if (argument.size() > kLongestPath || argument.find('\0') != std::string_view::npos) {
    return std::optional<std::string>();
  }
  const std::filesystem::path path{std::string(argument)};
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    // A folder that happens to have the name of a label must not make the label an error.
    if (bare && argument.find('/') != std::string_view::npos) {
      return invalid_argument("labels " + in_quotes(trim(argument)) +
                              ": is a folder (expected a label file)");
    }
    return std::optional<std::string>();
  }
  if (!std::filesystem::exists(path, ignored)) return std::optional<std::string>();
  MIEN_ASSIGN_OR_RETURN(std::string content,
                        read_text_file(path, std::min(limits.max_file_bytes, kMaxLabelFileBytes)));
  return std::optional<std::string>(std::move(content));
}

Result<LabelSet> parse_file(std::string_view content, std::string_view subject,
                            const Limits& limits, bool synonyms) {
  MIEN_RETURN_IF_ERROR(check_is_utf8_text(content, subject));
  if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
  if (content.size() <= kMaxLabelFileBytes && is_plain_list(content)) {
    return parse_plain_list(content, subject, limits, synonyms);
  }
  return parse_labels_yaml(content, subject, limits);
}

// The labels of the file that `argument` names, if any. `word`: the argument without blanks around
// it.
Result<std::optional<LabelSet>> load_if_file(std::string_view argument, std::string_view word,
                                             const Limits& limits, bool synonyms) {
  const auto names = split_names(word, limits.max_labels);
  const bool bare = names.ok() && names->size() == 1 && !names->front().quoted &&
                    names->front().parts.size() == 1;
  MIEN_ASSIGN_OR_RETURN(const auto file, label_file(argument, bare, limits));
  if (file) {
    MIEN_ASSIGN_OR_RETURN(LabelSet out, parse_file(*file, argument, limits, synonyms));
    return std::optional<LabelSet>(std::move(out));
  }
  if (bare) MIEN_RETURN_IF_ERROR(check_not_a_file(word));
  return std::optional<LabelSet>();
}

enum class Files { kRead, kNever };

Result<LabelSet> load_any(std::string_view argument, const Limits& limits, bool synonyms,
                          Files files) {
  if (argument.size() > kMaxLabelFileBytes) {
    return resource_limit("labels: too long (expected at most " +
                          std::to_string(kMaxLabelFileBytes) + " bytes, got " +
                          std::to_string(argument.size()) + ")");
  }
  const std::string_view word = trim(argument);
  if (word.empty()) return invalid_argument("labels: empty set (expected at least one label)");
  if (const LabelSet* set = find_builtin_labels(word); set != nullptr) return *set;
  if (files == Files::kRead) {
    MIEN_ASSIGN_OR_RETURN(auto read, load_if_file(argument, word, limits, synonyms));
    if (read) return std::move(*read);
  }
  LabelList out(limits, synonyms);
  if (const Status status = out.add_names(word); !status.ok()) return status.with_prefix("labels");
  return out.take("custom");
}

Result<LabelSet> load(std::string_view argument, const Limits& limits, bool synonyms,
                      Files files = Files::kRead) {
  MIEN_ASSIGN_OR_RETURN(LabelSet out, load_any(argument, limits, synonyms, files));
  if (const Status status = fold_negations(out.labels); !status.ok()) {
    return status.with_prefix(out.name == "custom" ? std::string("labels") : out.name);
  }
  return out;
}

}  // namespace

Result<LabelSet> load_labels(std::string_view argument, const Limits& limits) {
  return load(argument, limits, false);
}

Result<LabelSet> parse_labels(std::string_view words, const Limits& limits) {
  return load(words, limits, false, Files::kNever);
}

Result<LabelSet> load_words(std::string_view argument, const Limits& limits) {
  return load(argument, limits, true);
}

Result<LabelSet> parse_label_file(std::string_view content, std::string_view subject,
                                  const Limits& limits) {
  return parse_file(content, subject, limits, false);
}

}  // namespace mien::text
