#pragma once

#include <string>
#include <string_view>

#include "mien/core/limits.h"
#include "mien/text/labels.h"
#include "text/distinct_labels.h"

namespace mien::text {

/// Collects the labels of a list of words. The name of a built-in set stands for its labels; a
/// label that the set shares with the rest of the list counts once.
class LabelList {
 public:
  /// `synonyms`: labels of different names may have the same texts.
  LabelList(const Limits& limits, bool synonyms) : limits_(limits), distinct_(synonyms) {}

  /// Adds the names of one line of words. Errors: as load_labels, without a subject.
  Status add_names(std::string_view words);
  bool empty() const { return labels_.empty(); }
  LabelSet take(std::string name) { return {std::move(name), std::move(labels_)}; }

 private:
  Status add(Label label, bool of_set);

  const Limits& limits_;
  DistinctLabels distinct_;
  std::vector<Label> labels_;
  std::vector<bool> of_set_;
};

/// "basic7, basic8, mafw11 or shapes7".
std::string known_sets();
/// Rejects a word that is probably a misspelt set. Errors: kNotFound naming the set it may mean.
Status check_not_a_set(std::string_view word);

/// "not X", alone or beside X alone, is the absence of X: the same yes/no question as the single
/// label X. Errors: kInvalidArgument for any other use, because no text tower understands negation.
Status fold_negations(std::vector<Label>& labels);

/// Whether the content of a label file is a plain list, one label per line, and not YAML.
bool is_plain_list(std::string_view content);
/// Blank lines and lines that start with # are ignored; every other line is read as a list of
/// words. Errors: as parse_label_file.
Result<LabelSet> parse_plain_list(std::string_view content, std::string_view subject,
                                  const Limits& limits, bool synonyms);

}  // namespace mien::text
