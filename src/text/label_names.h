#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien::text {

/// Splits `--labels` words: names separated by commas, each a list of parts separated by plus
/// signs. Double quotes keep both; two of them inside quotes are one. Errors: kInvalidArgument with
/// the position (unterminated quote, text beside a quote), kResourceLimit above `max_names`.
Result<std::vector<std::vector<std::string>>> split_names(std::string_view list,
                                                          std::uint64_t max_names);

/// The built-in set that a mistyped `word` may mean ("basic-7"), or an empty view.
std::string_view similar_set(std::string_view word);

}  // namespace mien::text
