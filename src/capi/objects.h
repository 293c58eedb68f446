#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "capi/handles.h"
#include "capi/results.h"
#include "mien/c/mien.h"
#include "mien/engine/bundle.h"
#include "mien/face/finder.h"
#include "mien/pipeline/recognizer.h"
#include "mien/text/labels.h"

namespace mien::capi {

/// One call after the other, although the object belongs to one thread at a time. A call from
/// within a callback of the same object is an error instead of a deadlock.
class Turns {
 public:
  /// Holds the turn until it is destroyed; sets the number of kernel threads meanwhile.
  class Turn {
   public:
    Turn(Turns& turns, int threads);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

   private:
    Turns& turns_;
    std::unique_lock<std::mutex> lock_;
    int before_;
  };

  /// Errors: kInvalidArgument when this thread has the turn already.
  Status check() const;

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> holder_{};
};

/// What a mien_recognizer stands for.
struct RecognizerObject {
  std::unique_ptr<pipeline::Recognizer> recognizer;
  std::optional<std::int64_t> last_push_us = {};
  std::int64_t pushed = 0;
  int threads = 0;
  Turns turns = {};
};

/// What a mien_detector stands for.
struct DetectorObject {
  std::unique_ptr<face::FaceFinder> finder;
  face::FinderOptions options;
  Turns turns = {};
};

/// What a mien_cancel stands for.
struct CancelObject {
  std::atomic<bool> set{false};
};

/// The tables of all handles of this process.
Handles<mien_bundle, const engine::Bundle>& bundles();
Handles<mien_labels, const text::LabelSet>& label_sets();
Handles<mien_recognizer, RecognizerObject>& recognizers();
Handles<mien_detector, DetectorObject>& detectors();
Handles<mien_cancel, CancelObject>& cancels();
Handles<mien_result, const FrameObject>& results();
Handles<mien_clip, const ClipObject>& clips();

/// Makes a handle for a result. Errors: none; `out` is checked by the caller.
Status give_result(pipeline::FrameResult frame, mien_result** out);

}  // namespace mien::capi
