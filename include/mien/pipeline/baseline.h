#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien::pipeline {

/// Which part of a clip shows the usual face of a person, so that changes from it can be reported.
struct Baseline {
  /// What the baseline is computed from.
  enum class From {
    kNone,
    kInterval,  ///< the mean over [from_us, to_us) of the clip
    kMedian,    ///< the median over the whole track
  };

  From from = From::kNone;
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;

  /// False: changes are not reported.
  bool enabled() const { return from != From::kNone; }
};

/// Reads "median", or an interval of the clip: "0-10s", "2.5-7", "1:00-1:30".
/// Errors: kInvalidArgument for any other text.
Result<Baseline> parse_baseline(std::string_view text);

/// The baseline of one track, weighted by time. Its memory does not grow with the track.
/// Threads: not thread-safe.
class TrackBaseline {
 public:
  /// Adds the probabilities of one frame, in the order of the labels, and how long it lasted.
  void add(const Baseline& baseline, std::int64_t time_us, std::int64_t held_us,
           std::span<const float> probabilities);
  /// One probability per label, a median to 0.001; empty when the face was absent.
  std::vector<float> value(const Baseline& baseline) const;
  /// The time it was computed over.
  double seconds() const { return seconds_; }

 private:
  std::vector<double> sums_;      // of an interval: per label
  std::vector<float> histogram_;  // of a median: kBins per label, in seconds
  std::size_t labels_ = 0;
  double seconds_ = 0;
};

}  // namespace mien::pipeline
