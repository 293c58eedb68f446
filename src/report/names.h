#pragma once

#include <string>
#include <string_view>

#include "mien/engine/result.h"

namespace mien::report {

/// "detected", "whole" or "boxes", as every output spells it.
inline std::string_view source_name(face::Source source) {
  switch (source) {
    case face::Source::kDetected: return "detected";
    case face::Source::kWhole: return "whole";
    case face::Source::kBoxes: return "boxes";
  }
  return "detected";
}

/// A probability as a person reads it: "87%", "<1%"; empty when it is not a number.
std::string percent(double probability);
/// A change of a probability in percentage points: "+45", "-9", "0"; empty when not a number.
std::string points(double change);

}  // namespace mien::report
