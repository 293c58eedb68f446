#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien::text {

/// One name of a list, as written.
struct WrittenName {
  std::vector<std::string> parts;  ///< several for a compound
  bool quoted = false;             ///< a part was quoted, so this is never a set or a file
};

/// Splits `--labels` words: names separated by commas, semicolons or bars (also the commas of
/// Chinese and Arabic), each a list of parts separated by plus signs. Double quotes protect all of
/// these; a doubled quote inside quotes is one quote. Errors: kInvalidArgument with the position
/// (unterminated quote, text beside a quote), kResourceLimit above `max_names`.
Result<std::vector<WrittenName>> split_names(std::string_view list, std::uint64_t max_names);

/// The built-in set that a misspelt `word` may mean ("basic-7"), or an empty string.
std::string_view similar_set(std::string_view word);

}  // namespace mien::text
