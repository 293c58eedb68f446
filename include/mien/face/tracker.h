#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mien/face/detector.h"

namespace mien::face {

struct TrackerOptions {
  /// Whole frames are searched at least every n-th frame, and at least as often as that is at 25
  /// frames per second.
  int detect_every = 5;
  float min_score = 0;       ///< a face must reach this to begin a track
  float keep_score = -0.4F;  ///< a track goes on with a face of at least this score at its place
  float scale = 0;     ///< resize factor of the search in whole frames; 0: chosen by the next two
  float min_face = 0;  ///< pixels of the smallest face to find; 0: 60 or less, by frame size
  float detector_face = 80;             ///< FaceDetector::smallest_face()
  std::int64_t max_gap_us = 3'000'000;  ///< a face that comes back later than this is a new one
};

/// A face of the current frame.
struct TrackedFace {
  std::int64_t track = 0;
  image::Box box;
  float score = 0;
  std::optional<std::array<image::Point, 5>> points = {};  ///< as Detection has them
};

/// What is done with a frame, told before the frames in front of it are finished.
struct FramePlan {
  bool cut = false;          ///< a new scene begins, at least in a large part of the frame
  bool due = false;          ///< the whole frame is searched
  bool fine = false;         ///< with that: for small faces, too
  bool search = false;       ///< a search ahead will probably not be in vain: due, or a crowd
  bool search_fine = false;  ///< how it should look
};

/// Follows faces through a clip. Whole frames are searched now and then; in every frame each known
/// face is searched for around the place where it is expected, which takes a few milliseconds. A
/// face is reported only in frames in which it was found.
///
/// Faces and tracks are paired one to one by place, motion and size. What would be a leap (a cut, a
/// long absence, a place without overlap) counts only when the place still looks alike on a grid of
/// a few grey cells; people are never compared. Ids count from 0 and are never used twice before
/// reset(). Threads: not thread-safe.
class Tracker {
 public:
  explicit Tracker(const TrackerOptions& options) : options_(options) {}

  /// Frames in order; it does not need that those before are tracked. Threads: may run while
  /// another thread is in track().
  FramePlan plan(image::ImageView frame, std::int64_t frame_index, std::int64_t timestamp_us);
  /// How whole frames of this size are searched. In large frames the search for small faces takes
  /// long: between two of them only the larger ones are searched.
  DetectOptions whole_search(int width, int height, bool fine) const;
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
  /// to found[i]. Without a frame, place, motion and size decide alone.
  std::vector<TrackedFace> assign(std::span<const Detection> found, std::int64_t timestamp_us,
                                  image::ImageView frame = {});
  /// Forgets all tracks; ids start again at 0.
  void reset();

 private:
  struct Track {
    std::int64_t id = 0;
    image::Box box;  ///< where it was last
    float score = 0;
    std::optional<std::array<image::Point, 5>> points;
    std::int64_t seen_us = 0;
    float speed_x = 0;  ///< pixels per second
    float speed_y = 0;
    int misses = 0;           ///< frames since it was found
    bool away = false;        ///< a cut took it off its place
    std::vector<float> look;  ///< of its place when it was last found
  };

  bool is_cut(image::ImageView frame);
  bool lost(const Track& track, std::int64_t timestamp_us) const;
  image::Box expected(const Track& track, std::int64_t timestamp_us) const;
  float likely(const Track& track, const Detection& face, std::int64_t timestamp_us,
               image::ImageView frame) const;
  void leave(image::ImageView frame);
  Status follow(image::ImageView frame, std::int64_t timestamp_us, FaceDetector& detector);
  void discover(std::span<const Detection> found, std::int64_t timestamp_us,
                image::ImageView frame);
  std::vector<int> pair(std::span<const std::size_t> tracks, std::span<const Detection> found,
                        std::int64_t timestamp_us, image::ImageView frame) const;
  void take(Track& track, const Detection& face, std::int64_t timestamp_us, image::ImageView frame);
  void begin(const Detection& face, std::int64_t timestamp_us, image::ImageView frame);
  void merge_doubles();

  TrackerOptions options_;
  std::vector<Track> tracks_;
  std::vector<float> thumbnail_;  ///< of the last frame, for scene cuts
  std::int64_t next_id_ = 0;
  std::int64_t due_frame_ = -1;  ///< when the whole frame was last due; -1: never
  std::int64_t due_us_ = 0;
  std::int64_t fine_us_ = 0;        ///< when small faces were last due
  std::int64_t last_us_ = 0;        ///< of the last frame
  std::atomic<bool> crowd_{false};  ///< of the last frame: one search was cheaper than following
};

}  // namespace mien::face
