#pragma once

#include "mien/core/json.h"
#include "mien/metrics/bootstrap.h"

namespace mien::eval {

/// [low, high].
inline Json interval_json(const metrics::Interval& interval) {
  Json out = Json::array();
  out.push_back(interval.low);
  out.push_back(interval.high);
  return out;
}

}  // namespace mien::eval
