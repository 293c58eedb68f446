#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "mien/core/rng.h"
#include "mien/core/status.h"

namespace mien::metrics {

/// A confidence interval, in the unit of its figure.
struct Interval {
  double low = 0;
  double high = 0;
};

/// Number of resamples (at least 1) and confidence, between 0 and 1.
struct BootstrapOptions {
  int resamples = 1000;
  double confidence = 0.95;
};

/// Percentile bootstrap interval of a figure: `figure` gets the indices of a resample (drawn with
/// replacement, as many as there are samples). The same `rng` state gives the same interval.
/// Resamples for which the figure fails (a class vanished) are left out. Errors: kInvalidArgument
/// without samples, or for options out of range; the figure's own error when it fails on every
/// resample.
Result<Interval> bootstrap(
    std::size_t samples, const std::function<Result<double>(std::span<const std::size_t>)>& figure,
    Rng& rng, const BootstrapOptions& options = {});

/// The same for samples in parts (folds; known and unknown samples): each part is resampled by
/// itself and keeps its size. Shape: `sizes` [parts]; `figure` gets the indices drawn from
/// each part, counted within it. Errors: as bootstrap; no part may be empty.
Result<Interval> bootstrap_parts(
    std::span<const std::size_t> sizes,
    const std::function<Result<double>(std::span<const std::vector<std::size_t>>)>& figure,
    Rng& rng, const BootstrapOptions& options = {});

/// The percentile interval of values that were resampled elsewhere. Precondition: at least one.
Interval percentile_interval(std::vector<double> values, double confidence = 0.95);

}  // namespace mien::metrics
