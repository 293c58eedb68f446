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

enum class Mode {
  kAuto,   ///< detect; in a picture without a found face, try a tight face crop as `whole`
  kHog,    ///< dlib's HOG detector only
  kWhole,  ///< the picture is the face
  kBoxes,  ///< boxes from a file
};

/// A face that is known before: as a row of a boxes file, in memory.
struct GivenBox {
  std::string name;  ///< of the picture or clip, or the end of its path; empty in all: any
  std::optional<std::int64_t> frame;  ///< clips: its number; none: every frame
  std::optional<image::Box> box;      ///< in pixels; none: there is no face
};

struct FinderOptions {
  Mode mode = Mode::kAuto;
  int upsample = -1;   ///< times the picture is doubled before detection, 0..4; -1: chosen by size,
                       ///< larger for pictures than for clips (docs/reference/faces.md)
  float min_face = 0;  ///< pixels of the smallest face to search for, instead of `upsample`; 0: by
                       ///< the size of a picture, 60 or less in clips up to 4K
  float min_score = 0.0F;  ///< detections below are dropped; a face that is being followed through
                           ///< a clip may fall 0.4 below
  int detect_every = 5;    ///< clips: full detection every n-th frame, and as often as that is at
                           ///< 25 frames per second; tracking between
  bool single = false;     ///< only the largest face; in clips it is one track from start to end
  bool landmarks = true;
  std::filesystem::path landmark_model{};  ///< empty: the system's 68-point model
  std::filesystem::path boxes_file{};      ///< for kBoxes: CSV with path (or frame), x, y, w, h
  std::vector<GivenBox> boxes{};           ///< for kBoxes, instead of a file
  /// A detector instead of dlib's; what works are its clones. nullptr: dlib's.
  std::shared_ptr<const FaceDetector> detector{};
  /// Faces are only looked for in this part of a picture or frame, in pixels, or as a share of it
  /// when no side is larger than 1; not with kWhole and kBoxes.
  std::optional<image::Box> region{};
};

/// The steps of FaceFinder::track that look at one frame alone, for one thread of several.
/// Threads: not thread-safe; it may work while the finder it came from and others of it work.
class FrameWorker {
 public:
  virtual ~FrameWorker() = default;
  /// What the finder will look for in the whole frame; nullopt: it does so itself in follow().
  /// Errors: those of the detector.
  virtual Result<std::optional<std::vector<Detection>>> search(image::ImageView frame,
                                                               const FramePlan& plan) = 0;
  /// Adds to the faces of follow() what they still lack: landmarks. Errors: as FaceFinder::find.
  virtual Status complete(image::ImageView frame, std::vector<Face>& faces) = 0;
};

/// Finds faces in pictures and follows them through clips.
/// Threads: not thread-safe; one per worker. The loaded models are shared inside the process.
class FaceFinder {
 public:
  virtual ~FaceFinder() = default;
  /// Faces of a single picture, largest first. `name` selects rows of a boxes file. No face is an
  /// empty result. Errors: kCorrupt when the landmark model turns out to be broken (first use waits
  /// for it), kNotFound when the boxes file has no row for `name`.
  virtual Result<std::vector<Face>> find(image::ImageView picture, const std::string& name) = 0;
  /// find() in a picture that may be smaller than its file. Given boxes, the region and the
  /// smallest face count pixels of the file; the faces those of the smaller picture.
  virtual Result<std::vector<Face>> find_reduced(const image::Reduced& picture,
                                                 const std::string& name) = 0;
  /// Faces of the next frame of a clip, with track ids. `frame_index` grows.
  virtual Result<std::vector<Face>> track(image::ImageView frame, std::int64_t frame_index,
                                          std::int64_t timestamp_us, const std::string& name) = 0;
  /// Forgets all tracks; ids start again at 0.
  virtual void reset() = 0;

  /// Faces whose boxes the caller knows, with landmarks, in the order of `boxes`.
  /// Errors: kInvalidArgument for a box that is not in the picture, or less than half.
  virtual Result<std::vector<Face>> place(image::ImageView picture,
                                          std::span<const image::Box> boxes) = 0;
  /// The same for the next frame of a clip, with track ids.
  virtual Result<std::vector<Face>> track(image::ImageView frame, std::int64_t timestamp_us,
                                          std::span<const image::Box> boxes) = 0;

  /// track() in steps, for several frames at once: plan() and follow() of each frame in the order
  /// of the clip (plan() of later frames may run in another thread meanwhile), FrameWorker::search
  /// between them where the plan says so, FrameWorker::complete at the end. The faces are those of
  /// track(), whatever runs beside.
  virtual FramePlan plan(image::ImageView frame, std::int64_t frame_index,
                         std::int64_t timestamp_us) = 0;
  virtual Result<std::vector<Face>> follow(image::ImageView frame, std::int64_t frame_index,
                                           std::int64_t timestamp_us, const std::string& name,
                                           const FramePlan& plan,
                                           const std::optional<std::vector<Detection>>& found) = 0;
  virtual std::unique_ptr<FrameWorker> make_worker() const = 0;

  /// Width in pixels of the smallest face that is searched for in frames of a clip of this size; 0
  /// when nothing is searched (whole, boxes). Threads: safe beside all others.
  virtual float smallest_face(int width, int height) const = 0;
};

/// The landmark model is read by another thread in the meantime.
/// Errors: kInvalidArgument for options out of range, kNotFound for the landmark model, kNotFound /
/// kCorrupt for the boxes file.
Result<std::unique_ptr<FaceFinder>> make_finder(const FinderOptions& options);

/// Like make_finder, with a detector of your own instead of that of the options; nullptr: that one.
Result<std::unique_ptr<FaceFinder>> make_finder(const FinderOptions& options,
                                                std::unique_ptr<FaceDetector> detector);

/// How small a picture may be decoded for find(): as many pixels as it would search of the large
/// one, so that it finds the same faces, and at least about `side` pixels for every face. Never
/// smaller for boxes from a file and for a chosen `upsample`, which count pixels of the picture as
/// it is.
image::Enough enough_to_find(const FinderOptions& options, int side);

/// "auto", "hog", "whole", "boxes". Errors: kInvalidArgument for any other word.
Result<Mode> parse_mode(std::string_view word);
std::string_view to_string(Mode mode);

}  // namespace mien::face
