#pragma once

// Times as users write them.

#include <cstdint>
#include <string>
#include <string_view>

#include "mien/core/status.h"
#include "mien/core/wall_time.h"

namespace mien::cli {

/// Microseconds of "12.5", "1:02", "1:02:03.5", "90s", "500ms", "2min" or "1h".
/// Errors: kInvalidArgument.
Result<std::int64_t> parse_time(std::string_view text);

/// The current time in the zone of this machine.
WallTime wall_time_now();

}  // namespace mien::cli
