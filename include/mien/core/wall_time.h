#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mien/core/status.h"

namespace mien {

/// A date and a time of day as a clock on the wall shows it, with or without the distance of its
/// time zone from UTC. Arithmetic is that of the calendar: no daylight saving, no leap seconds.
struct WallTime {
  std::int64_t local_us = 0;             ///< microseconds since 1970-01-01T00:00 on that clock
  std::optional<int> zone_minutes = {};  ///< east of UTC; none: the zone was not given

  bool operator==(const WallTime&) const = default;
  /// Later by so many microseconds.
  WallTime after(std::int64_t us) const { return {local_us + us, zone_minutes}; }
};

/// Reads ISO 8601: "2026-03-01T14:05", then seconds with a fraction where wanted, then "Z" or
/// "+01:00" where known; a space may stand for the T. Digits beyond microseconds are dropped.
/// Errors: kInvalidArgument, also for dates that no calendar has.
Result<WallTime> parse_wall_time(std::string_view text);

/// "2026-03-01T14:05:00.033333+01:00": always with six digits; UTC is "+00:00".
std::string to_iso(const WallTime& time);

/// For people: "14:05:00.0", with the date in front when that is not `day`'s.
std::string time_of_day(const WallTime& time, const WallTime& day);

/// "2026-03-01 14:05:00 +01:00", for people; tenths of a second only when there are some.
std::string date_text(const WallTime& time);

}  // namespace mien
