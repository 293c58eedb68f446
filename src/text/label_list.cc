#include "text/label_list.h"

#include <algorithm>

#include "core/utf8.h"
#include "mien/text/prompts.h"
#include "text/label_names.h"
#include "text/label_parts.h"
#include "text/quote.h"
#include "text/yaml_tree.h"

namespace mien::text {
namespace {

std::string_view next_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return trim(line);
}

// X of a free label "not X"; empty for others. A label with its own texts may have any name.
std::string_view negated(const Label& label) {
  constexpr std::string_view kNot = "not ";
  if (!label.parts.empty() || label.origin == Label::Origin::kOwn ||
      !folded_name(label.name).starts_with(kNot))
    return {};
  return trim(std::string_view(label.name).substr(kNot.size()));
}

bool counts(std::string_view line) { return !line.empty() && line.front() != '#'; }

// Starts like a list item, a flow list, a marker or another YAML construct, or is a key.
bool looks_like_yaml(std::string_view line) {
  return std::string_view("[]{}&*!>%@`'").find(line.front()) != std::string_view::npos ||
         line.starts_with("---") || line == "-" || line.starts_with("- ") ||
         line.starts_with("? ") || line.ends_with(':') || line.find(": ") != std::string_view::npos;
}

}  // namespace

std::string known_sets() {
  const std::vector<std::string_view> names = builtin_label_names();
  std::string out;
  for (const std::string_view name : names) {
    if (!out.empty()) out += name == names.back() ? " or " : ", ";
    out += name;
  }
  return out;
}

Status check_not_a_set(std::string_view word) {
  const std::string_view set = similar_set(word);
  if (set.empty()) return {};
  return not_found(in_quotes(word) + ": no such set (expected " + known_sets() +
                   ", a label file, or words separated by commas; did you mean " +
                   std::string(set) + "?)");
}

Status fold_negations(std::vector<Label>& labels) {
  const auto refuse = [](const Label& label, std::string_view word) {
    return invalid_argument(in_quotes(label.name) +
                            ": a negation does not describe a face (expected " + in_quotes(word) +
                            " as the only label, which is a yes/no question)");
  };
  for (const Label& label : labels) {
    for (const Label& part : label.parts) {
      if (!negated(part).empty()) return refuse(part, negated(part));
    }
  }
  const auto negation = std::find_if(labels.begin(), labels.end(),
                                     [](const Label& label) { return !negated(label).empty(); });
  if (negation == labels.end()) return {};
  const std::string word(negated(*negation));
  const Label positive = make_label({word});
  if (!negated(positive).empty()) return refuse(*negation, word);
  const Label& other = negation == labels.begin() ? labels.back() : labels.front();
  const bool alone = labels.size() == 1;
  const bool pair = labels.size() == 2 &&
                    (other.texts == positive.texts || folded_name(other.name) == folded_name(word));
  if (!alone && !pair) return refuse(*negation, word);
  labels = {alone ? positive : Label(other)};
  return {};
}

Status LabelList::add(Label label, bool of_set) {
  const auto clash = distinct_.add(label);
  if (clash) {
    const Label& first = labels_[clash->first];
    if (clash->same_content && (of_set || of_set_[clash->first])) return {};
    std::string problem = "duplicate label " + in_quotes(label.name);
    if (label.name != first.name) problem += " (the same as " + in_quotes(first.name) + ")";
    return invalid_argument(problem);
  }
  if (labels_.size() >= limits_.max_labels) {
    return resource_limit("too many labels (expected at most " +
                          std::to_string(limits_.max_labels) + ")");
  }
  labels_.push_back(std::move(label));
  of_set_.push_back(of_set);
  return {};
}

Status LabelList::add_names(std::string_view words) {
  MIEN_ASSIGN_OR_RETURN(const auto names, split_names(words, limits_.max_labels));
  for (const WrittenName& name : names) {
    const LabelSet* set = name.quoted ? nullptr : find_builtin_labels(name.parts.front());
    if (set != nullptr && name.parts.size() == 1) {
      for (const Label& label : set->labels) MIEN_RETURN_IF_ERROR(add(label, true));
      continue;
    }
    if (name.parts.size() > 1) MIEN_RETURN_IF_ERROR(check_parts(name.parts));
    for (const std::string& part : name.parts) {
      MIEN_RETURN_IF_ERROR(check_name(part, limits_));
      if (name.quoted) continue;
      MIEN_RETURN_IF_ERROR(check_not_a_set(part));
    }
    MIEN_RETURN_IF_ERROR(add(make_label(name.parts), false));
  }
  return {};
}

bool is_plain_list(std::string_view content) {
  bool any = false;
  while (!content.empty()) {
    const std::string_view line = next_line(content);
    if (!counts(line)) continue;
    if (looks_like_yaml(line)) return false;
    any = true;
  }
  return any;
}

Result<LabelSet> parse_plain_list(std::string_view content, std::string_view subject,
                                  const Limits& limits, bool synonyms) {
  if (!is_valid_utf8(content)) return corrupt(std::string(subject) + ": not UTF-8 text");
  LabelList out(limits, synonyms);
  for (int number = 1; !content.empty(); ++number) {
    const std::string_view line = next_line(content);
    if (!counts(line)) continue;
    if (const Status status = out.add_names(line); !status.ok()) {
      return status.with_prefix(at_line(subject, number));
    }
  }
  return out.take(std::string(subject));
}

}  // namespace mien::text
