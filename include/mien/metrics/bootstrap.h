#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

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

/// The same for samples that come in parts (folds; known and unknown ones): every part is drawn
/// from by itself and keeps its size. Shape: `sizes` [parts]; `figure` gets the indices drawn from
/// each part, counted within it. Errors: as bootstrap; no part may be empty.
Result<Interval> bootstrap_parts(
    std::span<const std::size_t> sizes,
    const std::function<Result<double>(std::span<const std::vector<std::size_t>>)>& figure,
    Rng& rng, const BootstrapOptions& options = {});

/// The percentile interval of values that were resampled elsewhere. Precondition: at least one.
Interval percentile_interval(std::vector<double> values, double confidence = 0.95);

}  // namespace mien::metrics
