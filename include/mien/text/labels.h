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
  std::string name;
  std::vector<std::string> texts;  ///< descriptions; encoded, normalised and averaged
  std::vector<Label> parts;

  bool operator==(const Label& other) const;
};

/// An ordered set of labels with distinct, non-empty names.
struct LabelSet {
  std::string name;  ///< "basic7", the file, or "custom"
  std::vector<Label> labels;
};

/// Built-in sets: "basic7", "basic8", "mafw11", "shapes7". nullptr when unknown.
const LabelSet* find_builtin_labels(std::string_view name);
std::vector<std::string_view> builtin_label_names();

/// `--labels`: the name of a built-in set, an existing file (YAML), or comma-separated names, where
/// double quotes keep commas and plus signs and `a+b` is a compound. A name that a built-in set
/// describes gets its texts; any other gets the prompt templates (prompts.h). One word that looks
/// like a file (a slash, .yaml, .yml) or like a misspelt set is not found, unless quoted.
/// Errors: kInvalidArgument (empty set, empty or repeated label, misplaced quote or plus, control
/// characters), kNotFound, kCorrupt, kResourceLimit (names above 1,000 bytes, texts above 10,000).
Result<LabelSet> load_labels(std::string_view argument, const Limits& limits = {});
/// The YAML form, from bytes: a list of names as above, or a map from label to a text, a list of
/// texts, `{texts: ...}` or `{parts: ...}`. Parts may name labels of the same file. See
/// docs/labels.md.
/// Errors: as load_labels, with "subject:line"; kCorrupt when it is not YAML of that shape.
Result<LabelSet> parse_labels_yaml(std::string_view yaml, std::string_view subject,
                                   const Limits& limits = {});

}  // namespace mien::text
