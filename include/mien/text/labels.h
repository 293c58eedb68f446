#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien::text {

/// One label with the texts that describe it. A compound label `a+b` has `parts`, whose embeddings
/// are averaged, and no texts of its own; every part has texts and no parts.
struct Label {
  /// Where the texts come from: the user (or a data set), the prompt templates around the name, or
  /// the built-in descriptions.
  enum class Origin { kOwn, kTemplates, kBuiltIn };

  std::string name;
  std::vector<std::string> texts;  ///< descriptions; encoded, normalised and averaged
  std::vector<Label> parts;
  Origin origin = Origin::kOwn;

  /// Compares name, texts and parts, not the origin.
  bool operator==(const Label& other) const;
};

/// An ordered set of labels with distinct, non-empty names.
struct LabelSet {
  std::string name;  ///< "basic7", the file, or "custom"
  std::vector<Label> labels;
};

/// `name` with the texts that describe it (prompts.h).
Label described(std::string_view name);

/// Built-in sets: "basic7", "basic8", "mafw11", "shapes7". nullptr when unknown.
const LabelSet* find_builtin_labels(std::string_view name);
std::vector<std::string_view> builtin_label_names();

/// Labels as `--labels` takes them: an existing label file, or names separated by commas,
/// semicolons or bars. Double quotes protect separators and plus signs; `a+b` is a compound. The
/// name of a built-in set stands for its labels; a label that the set shares with the rest of the
/// list counts once. A name that a built-in set describes gets its texts; any other gets the prompt
/// templates (prompts.h). A single word that looks like a file (a slash, .yaml, .txt), and any word
/// that looks like a misspelt set, is an error unless quoted.
/// Errors: kInvalidArgument (empty set, empty or duplicate label, also in another case or as a
/// synonym; misplaced quote or plus, control characters), kNotFound, kCorrupt, kResourceLimit
/// (names above 1,000 bytes, texts above 10,000).
Result<LabelSet> load_labels(std::string_view argument, const Limits& limits = {});
/// As load_labels, but never reads a file: for words from a request.
/// Errors: as load_labels, except those of files.
Result<LabelSet> parse_labels(std::string_view words, const Limits& limits = {});
/// As load_labels, for words that are not labels: two of them may mean the same (afraid, fearful).
/// Errors: as load_labels, except for synonyms.
Result<LabelSet> load_words(std::string_view argument, const Limits& limits = {});
/// The content of a label file: one label per line (blank lines and lines that start with # are
/// ignored; a line may be a list as above), or YAML.
/// Errors: as load_labels, with "subject:line".
Result<LabelSet> parse_label_file(std::string_view content, std::string_view subject,
                                  const Limits& limits = {});
/// The YAML form, from bytes: a list of names and sets as above, or a map from label to a text, a
/// list of texts, `{texts: ...}` or `{parts: ...}`. Parts may name labels of the same file. See
/// docs/reference/labels.md.
/// Errors: as load_labels, with "subject:line"; kCorrupt when it is not YAML of that shape.
Result<LabelSet> parse_labels_yaml(std::string_view yaml, std::string_view subject,
                                   const Limits& limits = {});

}  // namespace mien::text
