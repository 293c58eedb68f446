#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien::text {

/// A small YAML document: everything is text, a list or a map; no types, no aliases.
struct YamlNode {
  enum class Kind { kNull, kText, kList, kMap };
  Kind kind = Kind::kNull;
  int line = 0;
  std::string text;
  std::vector<YamlNode> items;  ///< list items; of a map key, value, key, value
};

/// Errors: kCorrupt (not UTF-8, not YAML, more than one document), kUnsupported (anchors, aliases,
/// tags other than !!str, !!seq and !!map), kResourceLimit for nesting deeper than 8.
Result<YamlNode> parse_yaml(std::string_view text, std::string_view subject);

/// "subject:line".
std::string at_line(std::string_view subject, int line);

}  // namespace mien::text
