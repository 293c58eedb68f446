#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "mien/core/rng.h"
#include "mien/core/status.h"

namespace mien::metrics {

struct Interval {
  double low = 0;
  double high = 0;
};

struct BootstrapOptions {
  int resamples = 1000;
  double confidence = 0.95;
};

/// Percentile bootstrap interval of a figure: `figure` gets the indices of a resample (with
/// replacement, as many as there are samples). Repeatable from `rng`. Resamples for which the
/// figure fails (a class vanished) are left out.
/// Errors: kInvalidArgument for no sample, or options out of range; the figure's own error when it
/// fails on every resample.
Result<Interval> bootstrap(
    std::size_t samples, const std::function<Result<double>(std::span<const std::size_t>)>& figure,
    Rng& rng, const BootstrapOptions& options = {});

}  // namespace mien::metrics
