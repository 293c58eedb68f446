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
  std::int64_t frame = 0;              ///< clips: number of the frame, from 0
  std::int64_t timestamp_us = 0;       ///< clips: presentation time since the start of the file
  std::optional<WallTime> clock = {};  ///< clips: of time 0, where it is known
  int width = 0;
  int height = 0;
  /// Pictures: kTemporal when they were read as a clip that repeats them. Frames are read alone.
  engine::Aggregate aggregate = engine::Aggregate::kMean;
  std::vector<engine::FaceResult> faces;
};

/// For how long a label led on a face.
struct LabelTime {
  std::string label;     ///< "unknown" when no label fitted
  bool unknown = false;  ///< the time of no label
  double seconds = 0;
  double share = 0;  ///< of the time that the face was there, 0..1
};

/// A stretch of time over which one label led on a face, or none fitted.
struct TrackSegment {
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  std::string label;
  bool unknown = false;
  double probability = 0;  ///< mean of the label over that time; 0 when unknown
  /// With a baseline: how much more probable the label was than in it (not of unknown), and which
  /// label rose most, by how much.
  std::optional<double> change = {};
  std::string risen = {};
  double risen_by = 0;
};

/// The baseline of a track, and how the whole track differs from it.
struct BaselineResult {
  struct OfLabel {
    std::string label;
    double baseline = 0;  ///< probability
    double mean = 0;      ///< probability over the track
    double change = 0;    ///< mean - baseline
  };
  double seconds = 0;  ///< what it rests on; 0: the face was not there
  std::vector<OfLabel> labels = {};
};

/// One person's face over a clip.
struct TrackResult {
  std::string input;
  std::int64_t track = 0;
  std::int64_t from_us = 0;
  std::int64_t to_us = 0;
  std::int64_t frames = 0;             ///< analysed frames that show it
  std::optional<WallTime> clock = {};  ///< of time 0, where it is known
  std::vector<LabelTime> shares = {};  ///< every label, longest first; then unknown
  std::vector<TrackSegment> segments = {};
  std::int64_t segments_left_out = 0;           ///< of a very long clip
  std::optional<BaselineResult> baseline = {};  ///< when asked for
  engine::Aggregate aggregate = engine::Aggregate::kMean;
  /// The whole track read as one: not what was seen longest. Best first.
  std::vector<engine::LabelScore> labels = {};
  bool unknown = false;
  std::vector<engine::Reason> reasons = {};
  std::vector<engine::TargetValue> values = {};  ///< of a regression head, in its order

  std::string top() const { return unknown || labels.empty() ? "unknown" : labels.front().label; }
};

/// The end of one input.
struct SummaryResult {
  std::string input;
  bool is_clip = false;
  std::int64_t frames = 0;           ///< decoded frames (1 for a picture)
  std::int64_t analysed_frames = 0;  ///< frames that were searched for faces
  std::int64_t faces = 0;            ///< faces scored, over all frames
  std::int64_t tracks = 0;
  std::int64_t corrupt_frames = 0;
  /// Clips: width in pixels of the smallest face that was searched for; 0 when nothing was
  /// searched.
  float smallest_face = 0;
  double media_seconds = 0;            ///< length of the clip: from its first picture to its last
  double start_seconds = 0;            ///< time of the first picture
  double offset_seconds = 0;           ///< what the file itself says at time 0
  std::optional<WallTime> clock = {};  ///< of time 0, where it is known
  /// The file ends before its header says.
  std::optional<video::CutShort> cut_short = std::nullopt;
  double elapsed_seconds = 0;  ///< wall time of the work
};

/// Fills in what is known of a clip after its last frame.
void tell_end(const video::VideoSource& source, const video::Covered& covered, SummaryResult& out);

}  // namespace mien::pipeline
