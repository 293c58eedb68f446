#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mien/core/wall_time.h"
#include "mien/engine/clip_reader.h"
#include "mien/engine/result.h"
#include "mien/video/source.h"

namespace mien::pipeline {

/// All faces of one picture, or of one analysed frame of a clip.
struct FrameResult {
  std::string input;  ///< the path or name as the user gave it
  bool is_clip = false;
  std::int64_t frame = 0;              ///< clips: index of the frame, from 0
  std::int64_t timestamp_us = 0;       ///< clips: presentation time since the start of the file
  std::optional<WallTime> clock = {};  ///< clips: wall time of time 0, if known
  int width = 0;
  int height = 0;
  /// Pictures: kTemporal when read as a clip that repeats them. Frames: always kMean.
  engine::Aggregate aggregate = engine::Aggregate::kMean;
  std::vector<engine::FaceResult> faces;
};

/// How long a label led on a face.
struct LabelTime {
  std::string label;     ///< "unknown" when no label fitted
  bool unknown = false;  ///< the time in which no label fitted
  double seconds = 0;
  double share = 0;  ///< of the time in which the face was present, 0..1
};

/// A stretch of time over which one label led on a face, or none fitted.
struct TrackSegment {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  std::string label;
  bool unknown = false;
  double probability = 0;  ///< mean of the label over that time; 0 when unknown
  /// With a baseline: how much more probable the label was than in the baseline (not for unknown),
  /// which label rose most, and by how much.
  std::optional<double> change = {};
  std::string risen = {};
  double risen_by = 0;
};

/// The baseline of a track, and how the whole track differs from it.
struct BaselineResult {
  /// One label in the baseline and over the track.
  struct OfLabel {
    std::string label;
    double baseline = 0;  ///< probability
    double mean = 0;      ///< probability over the track
    double change = 0;    ///< mean - baseline
  };
  double seconds = 0;  ///< length of the baseline; 0: the face was absent
  std::vector<OfLabel> labels = {};
};

/// One person's face over a clip.
struct TrackResult {
  std::string input;
  std::int64_t track = 0;
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  std::int64_t frames = 0;             ///< analysed frames in which it was found
  std::optional<WallTime> clock = {};  ///< wall time of time 0, if known
  std::vector<LabelTime> shares = {};  ///< every label, longest first; unknown last
  std::vector<TrackSegment> segments = {};
  std::int64_t segments_left_out = 0;           ///< of a very long clip
  std::optional<BaselineResult> baseline = {};  ///< on request
  engine::Aggregate aggregate = engine::Aggregate::kMean;
  /// Scores of the track read as a whole (not the label that led longest), best first.
  std::vector<engine::LabelScore> labels = {};
  bool unknown = false;
  std::vector<engine::Reason> reasons = {};
  std::vector<engine::TargetValue> values = {};  ///< of a regression head, in its order

  /// The best label, or "unknown".
  std::string top() const { return unknown || labels.empty() ? "unknown" : labels.front().label; }
};

/// The end of one input.
struct SummaryResult {
  std::string input;
  bool is_clip = false;
  std::int64_t frames = 0;           ///< decoded frames (1 for a picture)
  std::int64_t analysed_frames = 0;  ///< frames searched for faces
  std::int64_t faces = 0;            ///< faces scored, over all frames
  std::int64_t tracks = 0;
  std::int64_t corrupt_frames = 0;
  /// Clips: width in pixels of the smallest face searched for; 0 when nothing was searched.
  float smallest_face = 0;
  double media_seconds = 0;            ///< length of the clip: from its first picture to its last
  double start_seconds = 0;            ///< time of the first picture
  double offset_seconds = 0;           ///< the file's own timestamp at time 0
  std::optional<WallTime> clock = {};  ///< wall time of time 0, if known
  /// Set when the file ends before its header says it does.
  std::optional<video::CutShort> cut_short = std::nullopt;
  double elapsed_seconds = 0;  ///< wall time spent
};

/// Fills in what is known about a clip only after its last frame.
void tell_end(const video::VideoSource& source, const video::Covered& covered, SummaryResult& out);

}  // namespace mien::pipeline
