#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "mien/pipeline/result.h"

namespace mien::report {

/// A stretch of time over which one label led on a face.
struct Segment {
  static constexpr int kUnknown = -2;  ///< there, but no label fits

  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  int label = kUnknown;    ///< place in LabelSegments::labels(), or kUnknown
  double probability = 0;  ///< mean of the label's smoothed probability; 0 when unknown
};

struct SegmentTrack {
  std::int64_t id = 0;
  std::vector<Segment> segments = {};  ///< by time, without overlap; gaps where the face is away
};

/// The leading label of every face over the time of a clip, smoothed: probabilities are averaged
/// over a window around each analysed frame (more than half unknown makes it unknown), and a
/// stretch shorter than the window is given to the one before (the first one to the one after). A
/// frame lasts until the next analysed one; a face that is away for a frame ends its stretch.
/// Memory grows with the number of stretches, not of frames.
class LabelSegments {
 public:
  /// `labels`: the label set in the user's order. `smooth_seconds` <= 0: no smoothing.
  explicit LabelSegments(std::vector<std::string> labels, double smooth_seconds = 0.5);

  /// Adds the next analysed frame of the clip; faces without a track are left out.
  void add(const pipeline::FrameResult& frame);
  /// The clip ends; the last frame lasts as long as the one before it. Call it once.
  void finish();

  const std::vector<std::string>& labels() const { return labels_; }
  /// The label's name, or "unknown".
  const std::string& name(int label) const;
  /// By id. Complete after finish().
  std::vector<SegmentTrack> tracks() const;
  /// Start of the first and end of the last analysed frame.
  std::int64_t begin_us() const { return begin_us_; }
  std::int64_t end_us() const { return end_us_; }

 private:
  struct Entry {
    std::int64_t time_us = 0;
    bool unknown = false;
    std::vector<float> probabilities = {};
  };
  struct Run {  // an unbroken appearance
    std::deque<Entry> window;
    std::size_t next = 0;  // first entry of the window that is not decided yet
    std::vector<Segment> segments;
    std::vector<std::int64_t> frames;  // per segment: how many its mean is made of
    std::int64_t last_frame = -1;
  };

  void decide(Run& run, bool all) const;
  void close(std::int64_t id, Run& run, std::int64_t end_us);

  std::vector<std::string> labels_;
  std::unordered_map<std::string, std::size_t> places_;
  std::int64_t window_us_ = 0;
  std::map<std::int64_t, Run> open_;
  std::map<std::int64_t, std::vector<Segment>> done_;
  std::int64_t frames_ = 0;
  std::int64_t begin_us_ = 0;
  std::int64_t last_us_ = 0;
  std::int64_t step_us_ = 40'000;
  std::int64_t end_us_ = 0;
};

}  // namespace mien::report
