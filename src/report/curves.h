#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "mien/pipeline/result.h"

namespace mien::report {

/// The probability of every label of every face over a clip, in bounded memory: means over equal
/// parts of the time, whose length doubles whenever the clip outgrows them.
class ProbabilityCurves {
 public:
  static constexpr std::size_t kBins = 512;
  static constexpr std::size_t kMaxLabels = 32;  ///< larger sets have no curves
  static constexpr std::size_t kMaxTracks = 64;  ///< later faces have no curve

  explicit ProbabilityCurves(const std::vector<std::string>& labels);

  void add(const pipeline::FrameResult& frame);
  struct Point {
    double seconds = 0;  ///< middle of the part
    double probability = 0;
  };
  /// Points of one face and label, by time; may be empty.
  std::vector<Point> curve(std::int64_t track, std::size_t label) const;
  /// Length of one part, seconds.
  double step() const { return static_cast<double>(bin_us_) / 1e6; }

 private:
  struct Bin {
    std::uint32_t count = 0;
    std::vector<float> sums;
  };
  void widen();

  std::map<std::string, std::size_t> indices_;
  std::map<std::int64_t, std::map<std::size_t, Bin>> tracks_;
  std::int64_t bin_us_ = 50'000;
};

}  // namespace mien::report
