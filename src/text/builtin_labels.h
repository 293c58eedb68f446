#pragma once

#include <span>
#include <string_view>

namespace mien::text {

/// A built-in label. Its descriptions are in our own words and say how a face looks.
struct BuiltinLabel {
  std::string_view name;
  std::span<const std::string_view> texts;
  std::span<const std::string_view> aliases;  ///< other forms of the same word
};

/// In the order of mafw11; basic8 is the first eight, basic7 the first seven.
std::span<const BuiltinLabel> builtin_labels();
/// The seven of basic7, each described by the shape of the face alone (the set shapes7).
std::span<const BuiltinLabel> builtin_shapes();

}  // namespace mien::text
