#pragma once

#include <string_view>

#include "mien/core/options.h"
#include "mien/core/status.h"

namespace mien::text {

/// Reads a YAML recipe into options. Nested maps and dotted names are equivalent: `train: {lr: 1}`
/// is `train.lr: 1`. Keys in `skip` are ignored (they were read before). Errors: kCorrupt
/// "subject:line" when it is not YAML, or for a duplicate name; those of OptionSet::set.
Status read_recipe(std::string_view yaml, std::string_view subject, OptionSet& options,
                   std::string_view skip = {});

/// The value of one top-level key of a recipe, or empty. Errors: kCorrupt when it is not YAML.
Result<std::string> find_in_recipe(std::string_view yaml, std::string_view subject,
                                   std::string_view key);

}  // namespace mien::text
