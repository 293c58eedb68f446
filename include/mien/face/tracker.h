#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mien/face/detector.h"

namespace mien::face {

/// How a Tracker searches, and when a track begins and ends.
struct TrackerOptions {
  /// The whole frame is searched at least every n-th frame, and at least every n / 25 seconds.
  int detect_every = 5;
  float min_score = 0;       ///< a face needs this score to begin a track
  float keep_score = -0.4F;  ///< a lower score is enough to continue a track
  float scale = 0;           ///< resize factor when whole frames are searched; 0: from the next two
  float min_face = 0;        ///< smallest face to find, in pixels; 0: 60 or less, by frame size
  float detector_face = 80;  ///< FaceDetector::smallest_face()
  std::int64_t max_gap_us = 3'000'000;  ///< a face that returns later gets a new track
};

/// A face of the current frame.
struct TrackedFace {
  std::int64_t track = 0;
  image::Box box;
  float score = 0;
  std::optional<std::array<image::Point, 5>> points = {};  ///< as in Detection
};

/// How a frame will be searched, decided before earlier frames are finished.
struct FramePlan {
  bool cut = false;          ///< a new scene begins, at least in a large part of the frame
  bool due = false;          ///< the whole frame is searched
  bool fine = false;         ///< with `due`: also for small faces
  bool search = false;       ///< searching ahead will probably pay: due, or a crowd
  bool search_fine = false;  ///< whether that search should include small faces
};

/// Follows faces through a clip. Whole frames are searched now and then; in every frame each known
/// face is searched for around its expected position, which takes a few milliseconds. A face is
/// reported only in frames in which it was found.
///
/// Faces and tracks are paired one to one by position, motion and size. A jump (a cut, a long
/// absence, boxes that do not overlap) is accepted only when that part of the frame still looks
/// similar on a coarse grid of grey cells; people are never compared. Ids count from 0 and are not
/// reused before reset(). Threads: not thread-safe.
class Tracker {
 public:
  explicit Tracker(const TrackerOptions& options) : options_(options) {}

  /// Decides how the next frame will be searched. Frames in order; earlier ones need not be tracked
  /// yet. Threads: may run while another thread is in track().
  FramePlan plan(image::ImageView frame, std::int64_t frame_index, std::int64_t timestamp_us);
  /// How whole frames of this size are searched. In large frames the search for small faces is
  /// slow, so most searches look for larger faces only (`fine` false).
  DetectOptions whole_search(int width, int height, bool fine) const;
  /// Finds the faces of the next frame, ordered by id. `found`: the result of `detector` in the
  /// whole frame with whole_search(), if that was searched ahead. Errors: those of the detector.
  Result<std::vector<TrackedFace>> track(image::ImageView frame, std::int64_t timestamp_us,
                                         const FramePlan& plan,
                                         const std::optional<std::vector<Detection>>& found,
                                         FaceDetector& detector);

  /// plan() and track() in one call. Errors: those of the detector.
  Result<std::vector<TrackedFace>> track(image::ImageView frame, std::int64_t frame_index,
                                         std::int64_t timestamp_us, FaceDetector& detector);
  /// Gives ids to faces found elsewhere (for example read from a file): entry i belongs to
  /// found[i]. Without a frame, only position, motion and size decide.
  std::vector<TrackedFace> assign(std::span<const Detection> found, std::int64_t timestamp_us,
                                  image::ImageView frame = {});
  /// Forgets all tracks; ids start again at 0.
  void reset();

 private:
  struct Track {
    std::int64_t id = 0;
    image::Box box;  ///< last known
    float score = 0;
    std::optional<std::array<image::Point, 5>> points;
    std::int64_t seen_us = 0;
    float speed_x = 0;  ///< pixels per second
    float speed_y = 0;
    int misses = 0;           ///< frames since it was found
    bool away = false;        ///< a cut came since: its position tells nothing
    std::vector<float> look;  ///< grey cells of its surroundings when last found
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
  std::int64_t due_frame_ = -1;  ///< last frame that was due; -1: none
  std::int64_t due_us_ = 0;
  std::int64_t fine_us_ = 0;        ///< when small faces were last due
  std::int64_t last_us_ = 0;        ///< of the last frame
  std::atomic<bool> crowd_{false};  ///< in the last frame one search was cheaper than following
};

}  // namespace mien::face
