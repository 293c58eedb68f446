#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "mien/core/rng.h"
#include "mien/core/status.h"
#include "mien/metrics/bootstrap.h"

namespace mien::metrics {

/// Two-sided exact McNemar test. Among the samples on which exactly one of two models is right: the
/// probability, if both were equally good, of a split at least as uneven. 1 without such samples.
/// Precondition: counts >= 0. Source: McNemar, Psychometrika 1947; the binomial form.
double mcnemar_exact(std::int64_t only_first_right, std::int64_t only_second_right);

/// The difference of a figure between two models, over resamples of the samples that both saw.
struct PairedDifference {
  double difference = 0;  ///< on all samples
  Interval interval = {};
  double p_value = 1;  ///< two-sided: twice the smaller share of resamples on one side of zero
};

/// `difference` gets the indices of a resample, as in bootstrap(). The share counts the samples
/// themselves as one resample, so that it is never zero.
/// Errors: as bootstrap().
Result<PairedDifference> paired_bootstrap(
    std::size_t samples,
    const std::function<Result<double>(std::span<const std::size_t>)>& difference, Rng& rng,
    const BootstrapOptions& options = {});

}  // namespace mien::metrics
