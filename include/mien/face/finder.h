#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/face/detector.h"
#include "mien/face/face.h"
#include "mien/face/tracker.h"
#include "mien/image/decode.h"

namespace mien::face {

/// Where faces come from.
enum class Mode {
  kAuto,   ///< detect; if a picture seems to have no face, test whether it is a tight face crop
  kHog,    ///< dlib's HOG detector only
  kWhole,  ///< the picture is the face
  kBoxes,  ///< boxes from a file
};

/// A face given by the caller: a row of a boxes file, in memory.
struct GivenBox {
  std::string name;  ///< of the picture or clip, or the end of its path; empty in all rows: any
  std::optional<std::int64_t> frame;  ///< clips: its index; none: every frame
  std::optional<image::Box> box;      ///< in pixels; none: no face
};

/// How faces are found.
struct FinderOptions {
  Mode mode = Mode::kAuto;
  int upsample = -1;       ///< number of doublings before detection, 0..4; -1: chosen by size,
                           ///< more for pictures than for clips (docs/reference/faces.md)
  float min_face = 0;      ///< smallest face to search for, in pixels, instead of `upsample`; 0: by
                           ///< the size of a picture, 60 or less in clips up to 4K
  float min_score = 0.0F;  ///< lower detections are dropped; a face that is already followed
                           ///< through a clip may score 0.4 less
  int detect_every = 5;  ///< clips: search the whole frame at least every n-th frame, and at least
                         ///< every n / 25 seconds; track faces in between
  bool single = false;   ///< only the largest face; in a clip it is one track throughout
  bool landmarks = true;
  std::filesystem::path landmark_model{};  ///< empty: the system's 68-point model
  std::filesystem::path boxes_file{};      ///< for kBoxes: CSV with path (or frame), x, y, w, h
  std::vector<GivenBox> boxes{};           ///< for kBoxes, instead of a file
  /// Detector to use instead of dlib's (nullptr); only clones of it run.
  std::shared_ptr<const FaceDetector> detector{};
  /// Search only this part of a picture or frame, in pixels, or as a share of it when no side is
  /// larger than 1. Not allowed with kWhole and kBoxes.
  std::optional<image::Box> region{};
};

/// The steps of FaceFinder::track that need one frame only, for one of several threads.
/// Threads: not thread-safe; may run beside its finder and other workers of that finder.
class FrameWorker {
 public:
  virtual ~FrameWorker() = default;
  /// Searches the whole frame ahead of follow(); nullopt: follow() must search itself.
  /// Errors: those of the detector; kInvalidArgument for a region outside the frame.
  virtual Result<std::optional<std::vector<Detection>>> search(image::ImageView frame,
                                                               const FramePlan& plan) = 0;
  /// Adds the landmarks to the faces of follow(). Errors: as FaceFinder::find.
  virtual Status complete(image::ImageView frame, std::vector<Face>& faces) = 0;
};

/// Finds faces in pictures and follows them through clips.
/// Threads: not thread-safe; one per worker. Loaded models are shared within the process.
/// Errors: functions that return faces give those of the detector; kCorrupt when the landmark
/// model turns out to be broken (it is read in the background, and first use waits for it);
/// kInvalidArgument for a region outside the picture.
class FaceFinder {
 public:
  virtual ~FaceFinder() = default;
  /// Faces of a single picture, largest first; empty when there are none. `name` selects rows of a
  /// boxes file. Errors: also kNotFound when the boxes file has no row for `name`.
  virtual Result<std::vector<Face>> find(image::ImageView picture, const std::string& name) = 0;
  /// find() in a picture that may be smaller than its file. Units: given boxes, the region and the
  /// smallest face are in pixels of the file; returned faces in pixels of the smaller picture.
  /// Errors: as find().
  virtual Result<std::vector<Face>> find_reduced(const image::Reduced& picture,
                                                 const std::string& name) = 0;
  /// Faces of the next frame of a clip, with track ids. Precondition: `frame_index` increases.
  /// Errors: as find().
  virtual Result<std::vector<Face>> track(image::ImageView frame, std::int64_t frame_index,
                                          std::int64_t timestamp_us, const std::string& name) = 0;
  /// Forgets all tracks; ids start again at 0.
  virtual void reset() = 0;

  /// Faces at boxes that the caller knows, with landmarks, in the order of `boxes`. Nothing is
  /// searched. Errors: also kInvalidArgument for a box of which less than half lies in the picture.
  virtual Result<std::vector<Face>> place(image::ImageView picture,
                                          std::span<const image::Box> boxes) = 0;
  /// The same for the next frame of a clip, with track ids. Errors: as place().
  virtual Result<std::vector<Face>> track(image::ImageView frame, std::int64_t timestamp_us,
                                          std::span<const image::Box> boxes) = 0;

  /// track() in steps, so that several frames can be in work at once. For each frame: plan();
  /// FrameWorker::search if the plan says so; follow(); FrameWorker::complete. plan() and follow()
  /// run in the order of the clip, because they carry tracks from frame to frame; plan() of later
  /// frames may run in another thread meanwhile. The result is that of track(), however the steps
  /// are spread over threads.
  virtual FramePlan plan(image::ImageView frame, std::int64_t frame_index,
                         std::int64_t timestamp_us) = 0;
  /// `found`: the result of FrameWorker::search. Errors: as find().
  virtual Result<std::vector<Face>> follow(image::ImageView frame, std::int64_t frame_index,
                                           std::int64_t timestamp_us, const std::string& name,
                                           const FramePlan& plan,
                                           const std::optional<std::vector<Detection>>& found) = 0;
  /// A worker for another thread; it keeps what it needs alive.
  virtual std::unique_ptr<FrameWorker> make_worker() const = 0;

  /// Width in pixels of the smallest face searched for in clip frames of this size; 0 when nothing
  /// is searched (whole, boxes). Threads: safe beside all other functions.
  virtual float smallest_face(int width, int height) const = 0;
};

/// Makes a finder. The landmark model is read in the background.
/// Errors: kInvalidArgument for options out of range, kNotFound for the landmark model, kNotFound /
/// kCorrupt for the boxes file.
Result<std::unique_ptr<FaceFinder>> make_finder(const FinderOptions& options);

/// As above, with a detector of your own; nullptr: that of the options. Errors: as above.
Result<std::unique_ptr<FaceFinder>> make_finder(const FinderOptions& options,
                                                std::unique_ptr<FaceDetector> detector);

/// How small a picture may be decoded for find(): with as many pixels as find() would search in the
/// full picture, so that it finds the same faces, and about `side` pixels or more for each face.
/// Never reduced for boxes from a file or a given `upsample`, which refer to pixels of the file.
image::Enough enough_to_find(const FinderOptions& options, int side);

/// Reads "auto", "hog", "whole" or "boxes". Errors: kInvalidArgument for any other word.
Result<Mode> parse_mode(std::string_view word);
std::string_view to_string(Mode mode);

}  // namespace mien::face
