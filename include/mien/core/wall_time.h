#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mien/core/status.h"

namespace mien {

/// Date and time of day as a wall clock shows them, with or without the offset of its time zone
/// from UTC. Arithmetic is that of the calendar: no daylight saving, no leap seconds.
struct WallTime {
  std::int64_t local_us = 0;             ///< microseconds since 1970-01-01T00:00 on that clock
  std::optional<int> zone_minutes = {};  ///< east of UTC; none: the zone was not given

  bool operator==(const WallTime&) const = default;
  /// The time `us` microseconds later.
  WallTime after(std::int64_t us) const { return {local_us + us, zone_minutes}; }
};

/// Reads ISO 8601: "2026-03-01T14:05", optionally seconds with a fraction, optionally "Z" or
/// "+01:00"; a space may replace the T. Digits beyond microseconds are dropped.
/// Errors: kInvalidArgument, also for a date that does not exist (30 February).
Result<WallTime> parse_wall_time(std::string_view text);

/// "2026-03-01T14:05:00.033333+01:00": always with six digits; UTC is "+00:00".
std::string to_iso(const WallTime& time);

/// For people: "14:05:00.0", preceded by the date unless it is that of `day`.
std::string time_of_day(const WallTime& time, const WallTime& day);

/// "2026-03-01 14:05:00 +01:00", for people; tenths of a second only when not zero.
std::string date_text(const WallTime& time);

}  // namespace mien
