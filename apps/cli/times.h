#pragma once

// Times that the user writes.

#include <cstdint>
#include <string>
#include <string_view>

#include "mien/core/status.h"

namespace mien::cli {

/// Microseconds of "12.5", "1:02", "1:02:03.5", "90s", "500ms", "2min" or "1h".
/// Errors: kInvalidArgument.
Result<std::int64_t> parse_time(std::string_view text);

}  // namespace mien::cli
