#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "mien/text/labels.h"
#include "mien/text/prompts.h"
#include "text/distinct_labels.h"
#include "text/label_list.h"
#include "text/label_parts.h"
#include "text/quote.h"
#include "text/yaml_tree.h"

namespace mien::text {
namespace {

using Kind = YamlNode::Kind;

// Parts repeat the texts of other labels in the file: this bounds how much a small file can expand
// to.
constexpr std::size_t kMaxCopiedBytes = std::size_t{16} << 20;

// A label as written; parts are resolved when all labels are known.
struct Entry {
  std::string name;
  int line = 0;
  std::vector<std::string> texts;
  std::vector<std::string> parts;
  bool of_set = false;  ///< one label of a built-in set that was named
};

class LabelReader {
 public:
  LabelReader(std::string_view subject, const Limits& limits)
      : subject_(subject), limits_(limits) {}

  Result<LabelSet> read(const YamlNode& root) {
    if (root.kind == Kind::kList) {
      for (const YamlNode& item : root.items) MIEN_RETURN_IF_ERROR(read_name(item));
    } else if (root.kind == Kind::kMap) {
      for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
        MIEN_RETURN_IF_ERROR(read_member(root.items[i], root.items[i + 1]));
      }
    } else if (root.kind == Kind::kText) {
      return corrupt(subject_ + ": no labels (expected a list of names or a map, got one text)");
    }
    if (entries_.empty()) {
      return invalid_argument(subject_ + ": empty set (expected at least one label)");
    }
    return resolve();
  }

 private:
  Status at(int line, const Status& status) const {
    return status.ok() ? status : status.with_prefix(at_line(subject_, line));
  }

  Result<std::string> name_of(const YamlNode& node) const {
    if (node.kind == Kind::kList || node.kind == Kind::kMap) {
      return corrupt(at_line(subject_, node.line) + ": a label must be text");
    }
    std::string name(trim(node.text));
    MIEN_RETURN_IF_ERROR(at(node.line, check_name(name, limits_)));
    return name;
  }

  // As the texts will be when all is resolved; empty for a compound.
  static std::vector<std::string> texts_of(const Entry& entry) {
    return entry.texts.empty() && entry.parts.empty() ? describe(entry.name) : entry.texts;
  }

  static Label::Origin origin_of(const Entry& entry) {
    return entry.of_set ? Label::Origin::kBuiltIn : Label::Origin::kOwn;
  }

  Status add(Entry entry) {
    const auto [it, is_new] = by_name_.try_emplace(entry.name, entries_.size());
    if (!is_new) {
      const Entry& first = entries_[it->second];
      if ((entry.of_set || first.of_set) && texts_of(entry) == texts_of(first)) return {};
      return invalid_argument(at_line(subject_, entry.line) + ": duplicate label " +
                              in_quotes(entry.name) + " (first on line " +
                              std::to_string(first.line) + ")");
    }
    if (entries_.size() >= limits_.max_labels) {
      return resource_limit(subject_ + ": too many labels (expected at most " +
                            std::to_string(limits_.max_labels) + ")");
    }
    entries_.push_back(std::move(entry));
    return {};
  }

  Status add_set(const LabelSet& set, int line) {
    for (const Label& label : set.labels) {
      MIEN_RETURN_IF_ERROR(add(
          {.name = label.name, .line = line, .texts = label.texts, .parts = {}, .of_set = true}));
    }
    return {};
  }

  Status read_name(const YamlNode& item) {
    Entry entry;
    entry.line = item.line;
    MIEN_ASSIGN_OR_RETURN(entry.name, name_of(item));
    if (const LabelSet* set = find_builtin_labels(entry.name)) return add_set(*set, item.line);
    MIEN_RETURN_IF_ERROR(at(item.line, check_not_a_set(entry.name)));
    auto parts = split_compound(entry.name);
    if (!parts.ok()) return at(item.line, parts.status());
    if (parts->size() > 1) {
      entry.name.clear();
      for (const std::string& part : *parts) entry.name += (entry.name.empty() ? "" : "+") + part;
      entry.parts = std::move(parts).value();
    }
    return add(std::move(entry));
  }

  Status read_member(const YamlNode& key, const YamlNode& value) {
    Entry entry;
    entry.line = key.line;
    MIEN_ASSIGN_OR_RETURN(entry.name, name_of(key));
    if (value.kind == Kind::kMap) {
      MIEN_RETURN_IF_ERROR(read_detail(value, entry));
    } else {
      MIEN_RETURN_IF_ERROR(read_texts(value, entry));
    }
    return add(std::move(entry));
  }

  // A scalar or a list of scalars; each is cleaned and added to entry.texts.
  Status read_texts(const YamlNode& value, Entry& entry) const {
    if (value.kind == Kind::kMap) {
      return corrupt(at_line(subject_, value.line) + ": expected a text or a list of texts");
    }
    if (value.kind == Kind::kList) {
      for (const YamlNode& item : value.items) {
        if (item.kind == Kind::kList || item.kind == Kind::kMap) {
          return corrupt(at_line(subject_, item.line) + ": expected a text");
        }
        MIEN_RETURN_IF_ERROR(read_text(item, entry));
      }
      if (!value.items.empty()) return {};
    } else if (value.kind == Kind::kText) {
      return read_text(value, entry);
    }
    return invalid_argument(at_line(subject_, entry.line) + ": label " + in_quotes(entry.name) +
                            " has no text (expected a text or a list of texts)");
  }

  Status read_text(const YamlNode& node, Entry& entry) const {
    auto text = clean_description(node.text, limits_);
    if (!text.ok()) {
      return text.status().with_prefix(at_line(subject_, node.line) + ": label " +
                                       in_quotes(entry.name));
    }
    entry.texts.push_back(std::move(text).value());
    return {};
  }

  Status read_detail(const YamlNode& detail, Entry& entry) const {
    const std::string label = ": label " + in_quotes(entry.name);
    if (detail.items.size() != 2) {
      return corrupt(at_line(subject_, detail.line) + label + ": expected one of texts and parts");
    }
    const YamlNode& key = detail.items[0];
    const YamlNode& value = detail.items[1];
    if (key.kind == Kind::kText && key.text == "texts") return read_texts(value, entry);
    if (key.kind != Kind::kText || key.text != "parts") {
      return corrupt(at_line(subject_, key.line) + label + ": unknown key " + in_quotes(key.text) +
                     " (expected texts or parts)");
    }
    if (value.kind != Kind::kList || value.items.size() < 2) {
      return invalid_argument(at_line(subject_, value.line) + label +
                              ": expected a list of at least two parts");
    }
    for (const YamlNode& item : value.items) {
      MIEN_ASSIGN_OR_RETURN(std::string part, name_of(item));
      entry.parts.push_back(std::move(part));
    }
    return at(value.line, check_parts(entry.parts));
  }

  // A part is another label of this file, a built-in label or any words.
  Result<Label> resolve_part(const std::string& part, const Entry& whole) {
    Label out = described(part);
    const auto it = by_name_.find(part);
    if (it != by_name_.end()) {
      const Entry& entry = entries_[it->second];
      if (!entry.parts.empty()) {
        return invalid_argument(at_line(subject_, whole.line) + ": part " + in_quotes(part) +
                                " is a compound itself");
      }
      for (const std::string& text : entry.texts) copied_bytes_ += text.size();
      if (copied_bytes_ > kMaxCopiedBytes) {
        return resource_limit(subject_ + ": compounds repeat too much text (expected at most " +
                              std::to_string(kMaxCopiedBytes) + " bytes)");
      }
      if (!entry.texts.empty()) {
        out.texts = entry.texts;
        out.origin = origin_of(entry);
      }
    }
    return out;
  }

  // A label that a set shares with the rest of the file counts once.
  Status keep_distinct(LabelSet& set) const {
    DistinctLabels distinct;
    std::vector<Label> kept;
    std::vector<const Entry*> entries;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (const auto clash = distinct.add(set.labels[i])) {
        const Entry& first = *entries[clash->first];
        if (clash->same_content && (first.of_set || entries_[i].of_set)) continue;
        return invalid_argument(at_line(subject_, entries_[i].line) + ": duplicate label " +
                                in_quotes(entries_[i].name) + " (the same as " +
                                in_quotes(first.name) + " on line " + std::to_string(first.line) +
                                ")");
      }
      entries.push_back(&entries_[i]);
      kept.push_back(std::move(set.labels[i]));
    }
    set.labels = std::move(kept);
    return {};
  }

  Result<LabelSet> resolve() {
    LabelSet out;
    out.name = subject_;
    for (const Entry& entry : entries_) {
      const bool plain = entry.texts.empty() && entry.parts.empty();
      Label& label = out.labels.emplace_back(plain ? described(entry.name) : Label());
      if (plain) continue;
      label.name = entry.name;
      label.origin = origin_of(entry);
      for (const std::string& part : entry.parts) {
        MIEN_ASSIGN_OR_RETURN(Label resolved, resolve_part(part, entry));
        label.parts.push_back(std::move(resolved));
      }
      label.texts = entry.texts;
    }
    MIEN_RETURN_IF_ERROR(keep_distinct(out));
    return out;
  }

  std::string subject_;
  const Limits& limits_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::size_t> by_name_;
  std::size_t copied_bytes_ = 0;
};

}  // namespace

Result<LabelSet> parse_labels_yaml(std::string_view yaml, std::string_view subject,
                                   const Limits& limits) {
  if (yaml.size() > kMaxLabelFileBytes) {
    return resource_limit(std::string(subject) + ": too large for a label file (expected at most " +
                          std::to_string(kMaxLabelFileBytes) + " bytes, got " +
                          std::to_string(yaml.size()) + ")");
  }
  MIEN_ASSIGN_OR_RETURN(const YamlNode root, parse_yaml(yaml, subject));
  return LabelReader(subject, limits).read(root);
}

}  // namespace mien::text
