#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mien/text/labels.h"

namespace mien::text {

/// Finds labels that cannot be distinguished: names that differ only in case, white space and
/// hyphens, or two names with the same texts ("happy,happiness"). Each would get a share of one
/// probability.
class DistinctLabels {
 public:
  /// `synonyms`: labels of different names may have the same texts.
  explicit DistinctLabels(bool synonyms = false) : synonyms_(synonyms) {}
  struct Clash {
    std::size_t first;  ///< index of the earlier label
    bool same_content;  ///< texts and parts are equal as well
  };
  /// The earlier label that `label` repeats; none: `label` is new, and remembered.
  std::optional<Clash> add(const Label& label);

 private:
  bool synonyms_;
  std::unordered_map<std::string, std::size_t> names_;
  std::unordered_map<std::string, std::size_t> contents_;
  std::size_t count_ = 0;
};

/// `name` in lower case, with single spaces for runs of white space, hyphens and underscores.
std::string folded_name(std::string_view name);

}  // namespace mien::text
