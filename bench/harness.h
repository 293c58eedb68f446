#pragma once

#include <functional>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/status.h"

namespace mien::bench {

/// How often a piece of work is repeated.
struct Plan {
  int warmup = 3;
  int repeats = 10;
  double budget_s = 60;  ///< stop earlier, but not before three repeats
};

/// Runs `work` and returns the milliseconds of every repeat.
Result<std::vector<double>> measure(const Plan& plan, const std::function<Status()>& work);

/// Prints one measurement as a JSON line: `facts` and the samples. bench/run makes the medians.
void report(Json facts, const std::vector<double>& samples_ms);

}  // namespace mien::bench
