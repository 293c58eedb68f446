#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien::pipeline {

/// Where the neutral face of a person is taken from, to tell changes against it.
struct Baseline {
  enum class From {
    kNone,
    kInterval,  ///< the mean over [from_us, to_us) of the clip
    kMedian,    ///< the median over the whole track
  };

  From from = From::kNone;
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;

  bool enabled() const { return from != From::kNone; }
};

/// "median", or an interval of the clip: "0-10s", "2.5-7", "1:00-1:30".
/// Errors: kInvalidArgument.
Result<Baseline> parse_baseline(std::string_view text);

/// The baseline of one track, weighted with time. Memory does not grow with the track.
class TrackBaseline {
 public:
  /// The probabilities of one frame, in the order of the labels, and how long it lasted.
  void add(const Baseline& baseline, std::int64_t time_us, std::int64_t held_us,
           std::span<const float> probabilities);
  /// One probability per label, a median to 0.001; empty when the face was not there.
  std::vector<float> value(const Baseline& baseline) const;
  /// The time that it rests on.
  double seconds() const { return seconds_; }

 private:
  std::vector<double> sums_;      // of an interval: per label
  std::vector<float> histogram_;  // of a median: kBins per label, in seconds
  std::size_t labels_ = 0;
  double seconds_ = 0;
};

}  // namespace mien::pipeline
