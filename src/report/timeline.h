#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mien/pipeline/result.h"
#include "mien/pipeline/segments.h"

namespace mien::report {

/// The leading label of each track over a clip, in bounded memory: time is divided into at most
/// kBins equal parts, whose length doubles whenever the clip outgrows them.
/// Threads: const member functions are safe; add() is not.
class ClipTimeline {
 public:
  static constexpr std::size_t kBins = 1024;
  static constexpr std::size_t kMaxTracks = 256;  ///< later tracks are only counted
  static constexpr std::size_t kMaxLabels = 256;  ///< further labels are shown as "other"

  static constexpr int kAbsent = -1;   ///< the track is absent
  static constexpr int kUnknown = -2;  ///< present, but no label fits

  /// Adds the faces of the next analysed frame; ignores faces without a track. Steady answers, if
  /// there are any, also decide whether a face was present in between (SteadyAnswer::continues).
  /// Otherwise a track of the previous frame counts as present for as long as that frame lasted
  /// (pipeline::FrameSteps).
  void add(const pipeline::FrameResult& frame);

  /// Labels that led somewhere, in order of first appearance.
  const std::vector<std::string>& labels() const { return labels_; }
  /// All labels that faces are scored with, sorted; taken from the first face that has any.
  const std::vector<std::string>& label_set() const { return label_set_; }
  /// Track ids in ascending order.
  std::vector<std::int64_t> tracks() const;
  /// Number of tracks left out because of kMaxTracks.
  std::size_t dropped_tracks() const { return dropped_.size(); }
  /// Time of the last frame.
  std::int64_t end_us() const { return end_us_; }
  bool empty() const { return tracks_.empty(); }

  /// The label (index in labels()) that led longest on `track` in [from_us, to_us), or kUnknown, or
  /// kAbsent. The resolution is one part of the time.
  int label_at(std::int64_t track, std::int64_t from_us, std::int64_t to_us) const;
  /// The largest intensity of `track` in [from_us, to_us); nullopt if none was given.
  std::optional<double> intensity_at(std::int64_t track, std::int64_t from_us,
                                     std::int64_t to_us) const;
  /// True if `track` is in the last frame added.
  bool is_current(std::int64_t track) const;

 private:
  // Majority vote (Boyer and Moore): the leader and by how much it leads.
  struct Bin {
    std::int16_t label = kAbsent;
    std::uint16_t lead = 0;
    std::uint8_t intensity = 0;  // the largest, in 254ths plus 1; 0: none
  };
  struct Track {
    std::size_t first_bin = 0;
    std::vector<Bin> bins;
    std::int64_t last_us = 0;
    std::int64_t end_us = 0;  // of the last frame that shows it
    int last_label = kAbsent;
    std::int64_t last_frame = -1;  // in frames added
  };

  int label_index(const engine::FaceResult& face);
  void widen_until(std::int64_t time_us);
  std::size_t bin_of(std::int64_t time_us) const;
  static void vote(Bin& bin, int label, std::uint16_t weight);
  void vote_at(Track& track, std::size_t bin, int label, std::uint8_t intensity);
  static void halve(Track& track);

  std::vector<std::string> labels_;
  std::vector<std::string> label_set_;
  std::map<std::string, int> label_numbers_;
  std::map<std::int64_t, Track> tracks_;
  std::map<std::int64_t, bool> dropped_;
  std::int64_t bin_us_ = 20'000;
  std::int64_t end_us_ = 0;
  std::int64_t frames_ = 0;
  pipeline::FrameSteps steps_;
};

}  // namespace mien::report
