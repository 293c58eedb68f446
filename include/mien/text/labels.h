#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien::text {

/// One label with the texts that describe it. For a compound label `a+b`, `parts` names its
/// components, whose embeddings are averaged, and `texts` is empty.
struct Label {
  std::string name;
  std::vector<std::string> texts;  ///< descriptions; encoded, normalised and averaged
  std::vector<std::string> parts;

  bool operator==(const Label&) const = default;
};

/// An ordered set of labels with distinct, non-empty names.
struct LabelSet {
  std::string name;  ///< "basic7", the file, or "custom"
  std::vector<Label> labels;
};

/// Built-in sets: "basic7", "basic8", "mafw11". nullptr when unknown.
const LabelSet* find_builtin_labels(std::string_view name);
std::vector<std::string_view> builtin_label_names();

/// `--labels`: the name of a built-in set, an existing file (YAML: a map label -> text or list of
/// texts, or a list of names), or comma-separated names, where double quotes keep commas and `a+b`
/// is a compound. A name that a built-in set describes gets its texts; any other gets the prompt
/// templates ("a photo of a face with an expression of {}.", ...). Errors: kInvalidArgument (empty
/// set, empty or repeated label, a compound of unknown shape), kNotFound, kCorrupt, kResourceLimit.
Result<LabelSet> load_labels(std::string_view argument, const Limits& limits = {});
/// The YAML form, from bytes.
Result<LabelSet> parse_labels_yaml(std::string_view yaml, std::string_view subject,
                                   const Limits& limits = {});

}  // namespace mien::text
