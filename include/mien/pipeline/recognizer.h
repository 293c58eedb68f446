#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mien/core/status.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/face/finder.h"
#include "mien/pipeline/result.h"
#include "mien/pipeline/segments.h"
#include "mien/video/source.h"

namespace mien::pipeline {

struct RecognizerOptions {
  face::FinderOptions finder;
  engine::ScorerOptions scorer;
  bool scores = true;       ///< false: no labels are needed, and faces have none
  bool embeddings = false;  ///< put the unit embedding into every FaceResult
  /// Clips and live frames: the regression head reads every face of a frame, as it reads a picture;
  /// false: tracks only, which saves a pass of the temporal model per face.
  bool frame_values = false;
  int batch = 8;       ///< faces that are encoded together in a clip, by one thread
  int every = 1;       ///< clips: analyse every n-th frame
  double max_fps = 0;  ///< clips: analyse at most so many frames per second; 0: no limit
  /// Clips and live frames: seconds over which answers are smoothed; 0: every frame for itself.
  double smooth_seconds = 0.5;
  /// Clips and live frames: changes against it are told. Frames wait until it is known, but those
  /// of live sources and those with pixels do not: they have changes from then on. A median is
  /// known at the end; such sources refuse it.
  Baseline baseline;
};

/// One frame of a clip as it leaves the pipeline.
struct ClipFrame {
  FrameResult result;
  /// False: a frame between; `result.faces` are those of the last analysed one.
  bool analysed = true;
  /// The pixels, while the sink runs; only with ClipSink::images.
  const image::Image* image = nullptr;
};

/// Where a clip's results go, in presentation order, from the calling thread. Frames come when
/// their answers are settled (FaceResult::steady), up to one and a half times the smoothed seconds
/// after they were read; those of a live source come at once. A Status that is not ok ends the
/// clip.
struct ClipSink {
  std::function<Status(const ClipFrame&)> frame;
  bool images = false;       ///< deliver the pixels too
  bool every_frame = false;  ///< call `frame` for frames that were not analysed too (to draw them)
};

struct ClipResult {
  std::vector<TrackResult> tracks;  ///< by track id
  SummaryResult summary;
  LabelSegments segments = LabelSegments();  ///< of all tracks; none without labels
};

/// Reads expressions in pictures, clips and live frames: finds faces, encodes them, scores the
/// labels. Threads: not thread-safe; one per worker. Cheap to make; the bundle is shared.
class Recognizer {
 public:
  /// Errors: those of Bundle::image_encoder, LabelScorer::make and face::make_finder.
  static Result<std::unique_ptr<Recognizer>> make(std::shared_ptr<const engine::Bundle> bundle,
                                                  const text::LabelSet& labels,
                                                  const RecognizerOptions& options = {});
  /// The same with a face detector of your own; nullptr: the one that comes with mien. It serves
  /// one thread at a time; with clone() its copies search frames of a clip side by side.
  static Result<std::unique_ptr<Recognizer>> make(std::shared_ptr<const engine::Bundle> bundle,
                                                  const text::LabelSet& labels,
                                                  const RecognizerOptions& options,
                                                  std::unique_ptr<face::FaceDetector> detector);
  ~Recognizer();

  /// Empty without scores.
  const std::vector<std::string>& label_names() const;
  /// Targets of the bundle's regression head; empty without one.
  const std::vector<std::string>& target_names() const;
  /// How tracks are read: by the bundle's temporal model when it has one.
  engine::Aggregate aggregate() const;
  /// How pictures are read: by a transformer over time as clips, else as they are.
  engine::Aggregate picture_aggregate() const;

  /// How small a picture may be decoded for image(); see face::enough_to_find.
  image::Enough enough() const;

  /// All faces of one picture, largest first. No face is an empty result. With a temporal
  /// transformer a face is read as a clip that repeats it to the length of the bundle's sampling.
  Result<std::vector<engine::FaceResult>> image(image::ImageView picture, const std::string& name);

  /// The faces in boxes that you know, in their order; nothing is searched.
  /// Errors: kInvalidArgument for a box that is not in the picture, or less than half.
  Result<std::vector<engine::FaceResult>> image(image::ImageView picture,
                                                std::span<const image::Box> boxes);

  /// image() of a picture that may be smaller than its file; sizes and coordinates are those of the
  /// file.
  Result<FrameResult> picture(const image::Reduced& picture, const std::string& name);

  /// A whole clip: as many threads as kernels::threads() tells work on frames side by side, the
  /// calling one among them; memory does not grow with its length. Results do not depend on the
  /// number of threads.
  /// Frames are scored one by one; a track is the mean of its frames, or what the temporal model
  /// makes of them.
  /// Errors: kCancelled when `cancel` was set; what was delivered until then stays valid.
  Result<ClipResult> clip(video::VideoSource& source, const std::string& name, const ClipSink& sink,
                          const std::atomic<bool>* cancel = nullptr);

  /// One live frame; call with growing timestamps. Faces carry track ids, their own scores, and
  /// the answer smoothed over the last RecognizerOptions::smooth_seconds.
  Result<std::vector<engine::FaceResult>> push(image::ImageView frame, std::int64_t timestamp_us);
  /// The same with faces that you have found; ids follow from their boxes. Errors: as for image().
  Result<std::vector<engine::FaceResult>> push(image::ImageView frame, std::int64_t timestamp_us,
                                               std::span<const image::Box> boxes);
  /// The summary of the tracks pushed so far. Errors: those of the temporal model.
  Result<std::vector<TrackResult>> tracks() const;
  /// Forgets all tracks, for the next clip.
  void reset();

 private:
  struct Impl;
  explicit Recognizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mien::pipeline
