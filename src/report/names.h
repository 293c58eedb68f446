#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mien/core/wall_time.h"
#include "mien/engine/result.h"

namespace mien::report {

/// "detected", "whole" or "boxes", as every output spells it.
inline std::string_view source_name(face::FaceSource source) {
  switch (source) {
    case face::FaceSource::kDetected: return "detected";
    case face::FaceSource::kWhole: return "whole";
    case face::FaceSource::kBoxes: return "boxes";
  }
  return "detected";
}

/// A probability for people: "87%", "<1%"; empty if not a number.
std::string percent(double probability);
/// A change of a probability in percentage points: "+45", "-9", "0"; empty when not a number.
std::string points(double change);

/// Clip times for people: "0:01.2 to 0:05.0", followed by " (14:05:01.2 to 14:05:05.0)" if the
/// clock time of the clip is known.
std::string span_text(std::int64_t from_us, std::int64_t to_us,
                      const std::optional<WallTime>& clock);
/// "14:05:01.2 to 14:05:05.0", with a date where it changes.
std::string clock_span_text(std::int64_t from_us, std::int64_t to_us, const WallTime& clock);
/// The clock time if known, otherwise the time in the clip.
std::string instant_text(std::int64_t us, const std::optional<WallTime>& clock);

}  // namespace mien::report
