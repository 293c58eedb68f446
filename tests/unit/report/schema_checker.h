#pragma once

#include <string>

#include "mien/core/json.h"

namespace mien::report::test {

/// Checks `value` against the part of JSON Schema that docs/schemas/ uses: type, required,
/// properties, additionalProperties: false, items, minItems, maxItems, enum, minimum,
/// dependentRequired, $ref into $defs. Returns the first problem, or "". An unknown keyword is a
/// problem, so that no schema says more than is checked.
std::string schema_problem(const Json& value, const Json& schema, const Json& root,
                           const std::string& where = "$");

}  // namespace mien::report::test
