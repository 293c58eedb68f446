#include "text/recipe.h"

#include <set>

#include "text/yaml_tree.h"

namespace mien::text {
namespace {

class Reader {
 public:
  Reader(std::string_view subject, OptionSet& options, std::string_view skip)
      : subject_(subject), options_(options), skip_(skip) {}

  Status map(const YamlNode& node, const std::string& prefix) {
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
      const YamlNode& key = node.items[i];
      if (key.kind != YamlNode::Kind::kText) {
        return corrupt(at_line(subject_, key.line) + ": a key is not text");
      }
      const std::string name = prefix + key.text;
      if (name == skip_) continue;
      const YamlNode& value = node.items[i + 1];
      if (value.kind == YamlNode::Kind::kMap) {
        MIEN_RETURN_IF_ERROR(map(value, name + "."));
        continue;
      }
      if (!seen_.insert(name).second) {
        return corrupt(at_line(subject_, key.line) + ": duplicate '" + name + "'");
      }
      MIEN_RETURN_IF_ERROR(leaf(value, name, key.line));
    }
    return {};
  }

 private:
  Status leaf(const YamlNode& value, const std::string& name, int line) {
    OptionSet::Values values;
    if (value.kind == YamlNode::Kind::kList) {
      for (const YamlNode& item : value.items) {
        if (item.kind != YamlNode::Kind::kText) {
          return corrupt(at_line(subject_, item.line) + ": '" + name +
                         "' has an item that is not a plain value");
        }
        values.push_back(item.text);
      }
    } else {
      values.push_back(value.text);  // an empty value is the empty text
    }
    return options_.set(name, values, at_line(subject_, line));
  }

  std::string_view subject_;
  OptionSet& options_;
  std::string_view skip_;
  std::set<std::string> seen_;
};

Result<YamlNode> parse_map(std::string_view yaml, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(YamlNode root, parse_yaml(yaml, subject));
  if (root.kind == YamlNode::Kind::kNull) root.kind = YamlNode::Kind::kMap;
  if (root.kind != YamlNode::Kind::kMap) {
    return corrupt(std::string(subject) + ": not a map (expected lines of `name: value`)");
  }
  return root;
}

}  // namespace

Status read_recipe(std::string_view yaml, std::string_view subject, OptionSet& options,
                   std::string_view skip) {
  MIEN_ASSIGN_OR_RETURN(const YamlNode root, parse_map(yaml, subject));
  return Reader(subject, options, skip).map(root, "");
}

Result<std::string> find_in_recipe(std::string_view yaml, std::string_view subject,
                                   std::string_view key) {
  MIEN_ASSIGN_OR_RETURN(const YamlNode root, parse_map(yaml, subject));
  for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
    if (root.items[i].text == key) return root.items[i + 1].text;
  }
  return std::string();
}

}  // namespace mien::text
