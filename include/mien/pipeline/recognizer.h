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

/// What a Recognizer computes, and how.
struct RecognizerOptions {
  face::FinderOptions finder;
  engine::ScorerOptions scorer;
  bool scores = true;       ///< false: no labels are needed, and faces have none
  bool embeddings = false;  ///< put the unit embedding into every FaceResult
  /// Clips and live frames: apply the regression head to each face of each frame, as to a picture.
  /// False: to tracks only, which saves a pass of the temporal model per face.
  bool frame_values = false;
  int batch = 8;       ///< clips: faces that one thread encodes together
  int every = 1;       ///< clips: analyse every n-th frame
  double max_fps = 0;  ///< clips: most frames to analyse per second; 0: no limit
  /// Clips and live frames: seconds over which answers are smoothed; 0: each frame by itself.
  double smooth_seconds = 0.5;
  /// Clips and live frames: report changes from this baseline. Frames are held back until it is
  /// known, except those of live sources and those delivered with pixels, which have changes only
  /// from then on. A median is known only at the end, so these two reject it.
  Baseline baseline;
};

/// One frame of a clip as it leaves the pipeline.
struct ClipFrame {
  FrameResult result;
  /// False: a frame in between; `result.faces` are those of the last analysed one.
  bool analysed = true;
  /// The pixels, valid while the sink runs; only with ClipSink::images.
  const image::Image* image = nullptr;
};

/// Receives the results of a clip in presentation order, in the calling thread. Frames are
/// delivered when their answers are settled (FaceResult::steady), up to one and a half times
/// smooth_seconds after they were read; those of a live source at once. A Status that is not ok
/// ends the clip.
struct ClipSink {
  std::function<Status(const ClipFrame&)> frame;
  bool images = false;       ///< deliver the pixels too
  bool every_frame = false;  ///< also call `frame` for frames that were not analysed (to draw them)
};

/// The end of a clip.
struct ClipResult {
  std::vector<TrackResult> tracks;  ///< by track id
  SummaryResult summary;
  LabelSegments segments = LabelSegments();  ///< of all tracks; none without labels
};

/// Reads expressions in pictures, clips and live frames: finds faces, encodes them, scores the
/// labels. Threads: not thread-safe; one per worker. Cheap to make; the bundle is shared.
/// Errors: functions that return faces give those of face::FaceFinder; kInternal when oneDNN
/// fails.
class Recognizer {
 public:
  /// Makes a recognizer. Errors: those of Bundle::image_encoder, LabelScorer::make and
  /// face::make_finder.
  static Result<std::unique_ptr<Recognizer>> make(std::shared_ptr<const engine::Bundle> bundle,
                                                  const text::LabelSet& labels,
                                                  const RecognizerOptions& options = {});
  /// The same with a face detector of your own; nullptr: that of mien. It is used by one thread at
  /// a time; if clone() works, copies search several frames of a clip at once. Errors: as above.
  static Result<std::unique_ptr<Recognizer>> make(std::shared_ptr<const engine::Bundle> bundle,
                                                  const text::LabelSet& labels,
                                                  const RecognizerOptions& options,
                                                  std::unique_ptr<face::FaceDetector> detector);
  /// The same with a scorer that other recognizers may share; nullptr: faces have no scores.
  /// Errors: as above, except those of LabelScorer::make.
  static Result<std::unique_ptr<Recognizer>> make_with_scorer(
      std::shared_ptr<const engine::Bundle> bundle,
      std::shared_ptr<const engine::LabelScorer> scorer, const RecognizerOptions& options,
      std::unique_ptr<face::FaceDetector> detector = nullptr);
  ~Recognizer();

  /// Names of the labels, in the user's order; empty without RecognizerOptions::scores.
  const std::vector<std::string>& label_names() const;
  /// Targets of the bundle's regression head; empty without one.
  const std::vector<std::string>& target_names() const;
  /// How tracks are read: with the bundle's temporal model if it has one.
  engine::Aggregate aggregate() const;
  /// How pictures are read: as clips that repeat them if the bundle has a temporal transformer.
  engine::Aggregate picture_aggregate() const;

  /// How small a picture may be decoded for image(); see face::enough_to_find.
  image::Enough enough() const;

  /// All faces of one picture, largest first; empty when there are none. With a temporal
  /// transformer a face is read as a clip that repeats it to the length of the bundle's sampling.
  Result<std::vector<engine::FaceResult>> image(image::ImageView picture, const std::string& name);

  /// The faces in given boxes, in their order; nothing is searched.
  /// Errors: also kInvalidArgument for a box of which less than half lies in the picture.
  Result<std::vector<engine::FaceResult>> image(image::ImageView picture,
                                                std::span<const image::Box> boxes);

  /// image() of a picture that may be smaller than its file; sizes and coordinates are those of the
  /// file.
  Result<FrameResult> picture(const image::Reduced& picture, const std::string& name);

  /// Reads a whole clip. Frames are scored one by one; a track is the mean of its frames, or the
  /// output of the temporal model. Memory does not grow with the length of the clip.
  /// Threads: kernels::threads() threads, the calling one included, work on different frames;
  /// results do not depend on their number. Errors: also those of the source and the sink;
  /// kCancelled when `cancel` was set. What was delivered before an error stays valid.
  Result<ClipResult> clip(video::VideoSource& source, const std::string& name, const ClipSink& sink,
                          const std::atomic<bool>* cancel = nullptr);

  /// Reads one live frame. Precondition: timestamps increase. Faces carry track ids, their own
  /// scores, and the answer smoothed over the last RecognizerOptions::smooth_seconds.
  Result<std::vector<engine::FaceResult>> push(image::ImageView frame, std::int64_t timestamp_us);
  /// The same with given boxes; track ids follow from them. Errors: as image() with boxes.
  Result<std::vector<engine::FaceResult>> push(image::ImageView frame, std::int64_t timestamp_us,
                                               std::span<const image::Box> boxes);
  /// The summary of the tracks pushed so far. Errors: those of the temporal model.
  Result<std::vector<TrackResult>> tracks() const;
  /// Forgets all tracks, for the next clip.
  void reset();
  /// Live frames: answers with other labels from now on. Faces keep their track ids; tracks()
  /// counts from here. Precondition: the recognizer has a scorer, and so has this.
  void change_scorer(std::shared_ptr<const engine::LabelScorer> scorer);

 private:
  struct Impl;
  using MakeScorer = std::function<Result<std::shared_ptr<const engine::LabelScorer>>()>;
  static Result<std::unique_ptr<Recognizer>> build(std::shared_ptr<const engine::Bundle> bundle,
                                                   const RecognizerOptions& options,
                                                   std::unique_ptr<face::FaceDetector> detector,
                                                   const MakeScorer& make_scorer);
  explicit Recognizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mien::pipeline
