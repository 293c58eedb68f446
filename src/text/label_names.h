#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien::text {

/// One name of a list as it was written.
struct WrittenName {
  std::vector<std::string> parts;  ///< of a compound; else one
  bool quoted = false;             ///< some part stood in quotes, so it is never a set or a file
};

/// Splits `--labels` words: names separated by commas, semicolons or bars (also the commas of
/// Chinese and Arabic), each a list of parts separated by plus signs. Double quotes keep all of
/// them; two of them inside quotes are one. Errors: kInvalidArgument with the position
/// (unterminated quote, text beside a quote), kResourceLimit above `max_names`.
Result<std::vector<WrittenName>> split_names(std::string_view list, std::uint64_t max_names);

/// The built-in set that a mistyped `word` may mean ("basic-7"), or an empty view.
std::string_view similar_set(std::string_view word);

}  // namespace mien::text
