#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mien/face/detector.h"

namespace mien::face {

struct TrackerOptions {
  int detect_every = 5;      ///< whole frames are searched at least every n-th frame
  float min_score = 0;       ///< a face must reach this to begin a track
  float keep_score = -0.4F;  ///< a track goes on with a face of at least this score at its place
  float scale = 0;  ///< resize factor of the search in whole frames; 0: chosen by frame size
  std::int64_t max_gap_us = 700'000;  ///< a face that comes back later than this is a new one
};

/// A face of the current frame.
struct TrackedFace {
  std::int64_t track = 0;
  image::Box box;
  float score = 0;
};

/// What is done with a frame, told before the frames in front of it are finished.
struct FramePlan {
  bool cut = false;     ///< a new scene begins: all tracks end
  bool due = false;     ///< the whole frame is searched
  bool search = false;  ///< a search ahead will probably not be in vain: due, or a crowd
};

/// Follows faces through a clip. Whole frames are searched now and then; in every frame each known
/// face is searched for around its last place, which takes a few milliseconds. A face is reported
/// only in frames in which it was found. A scene cut ends all tracks. Ids count from 0 and are
/// never used twice before reset(). Threads: not thread-safe.
class Tracker {
 public:
  explicit Tracker(const TrackerOptions& options) : options_(options) {}

  /// Frames in order; it does not need that those before are tracked. Threads: may run while
  /// another thread is in track().
  FramePlan plan(image::ImageView frame, std::int64_t frame_index);
  /// How whole frames of this size are searched.
  DetectOptions whole_search(image::ImageView frame) const;
  /// Finds the faces of the next frame. `found`: what `detector` finds in the whole frame with
  /// whole_search(), when that was looked for ahead. Ordered by id. Errors: those of the detector.
  Result<std::vector<TrackedFace>> track(image::ImageView frame, std::int64_t timestamp_us,
                                         const FramePlan& plan,
                                         const std::optional<std::vector<Detection>>& found,
                                         FaceDetector& detector);

  /// Both at once.
  Result<std::vector<TrackedFace>> track(image::ImageView frame, std::int64_t frame_index,
                                         std::int64_t timestamp_us, FaceDetector& detector);
  /// Gives ids to faces that were found elsewhere (for example read from a file): entry i belongs
  /// to found[i].
  std::vector<TrackedFace> assign(std::span<const Detection> found, std::int64_t timestamp_us);
  /// Forgets all tracks; ids start again at 0.
  void reset();

 private:
  struct Track {
    std::int64_t id = 0;
    image::Box box;
    float score = 0;
    std::int64_t seen_us = 0;
    int misses = 0;  ///< frames since it was found
  };

  bool is_cut(image::ImageView frame);
  bool lost(const Track& track, std::int64_t timestamp_us) const;
  Status follow(image::ImageView frame, std::int64_t timestamp_us, FaceDetector& detector);
  void discover(std::span<const Detection> found, std::int64_t timestamp_us);
  void merge_doubles();

  TrackerOptions options_;
  std::vector<Track> tracks_;
  std::vector<float> thumbnail_;  ///< of the last frame, for scene cuts
  std::int64_t next_id_ = 0;
  std::int64_t due_frame_ = -1;     ///< when the whole frame was last due; -1: never
  std::atomic<bool> crowd_{false};  ///< of the last frame: one search was cheaper than following
};

}  // namespace mien::face
