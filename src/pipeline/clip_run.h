#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mien/face/finder.h"
#include "mien/pipeline/recognizer.h"
#include "pipeline/face_reader.h"
#include "pipeline/pace.h"
#include "pipeline/track_book.h"
#include "pipeline/track_places.h"

namespace mien::pipeline {

/// Runs one clip through kernels::threads() threads, including the calling one. Each thread takes
/// the step that brings the oldest frame closest to its end: decode, search, follow, cut, encode,
/// emit. Decoding, following and emitting process frames in order, one thread at a time; only the
/// calling thread emits. The other steps run in parallel. Batches depend on the frames alone, and
/// every step runs on one thread, so results do not depend on the number of threads. The number of
/// frames between decoder and sink is bounded.
class ClipRun {
 public:
  ClipRun(video::VideoSource& source, std::string name, face::FaceFinder& finder,
          FaceReader& reader, TrackBook& book, const RecognizerOptions& options,
          const ClipSink& sink, const std::atomic<bool>* cancel);

  Result<ClipResult> run();

 private:
  enum class Step { kSearch, kFollow, kCut, kReady };  ///< the next step of a frame

  struct Item {
    video::Frame frame;  // pixels are dropped early if nobody draws them
    int width = 0;
    int height = 0;
    bool analysed = false;
    Step step = Step::kReady;
    bool busy = false;  // a thread works on it
    face::FramePlan plan;
    std::optional<std::vector<face::Detection>> found;
    FacePixels faces;
    Status problem;  // of the decoder or the finder; then this is the last item
  };
  /// Frames whose faces are encoded together.
  struct Batch {
    std::vector<std::unique_ptr<Item>> items;
    std::size_t faces = 0;
    bool busy = false;
    bool placed = false;  ///< patch positions are known, so later batches may use them
    bool done = false;
    Status problem;
    std::vector<engine::PromptPlace> places;  // of every face, or none
    std::vector<float> embeddings;
  };
  /// A frame whose answers are not settled yet, or that follows such a frame.
  struct Waiting {
    FrameResult result;  // without faces if it was not analysed
    bool analysed = false;
    image::Image image;
  };
  /// Scratch memory of one thread.
  struct Worker {
    std::unique_ptr<face::FrameWorker> finder;
    engine::Session session;
    std::vector<float> pixels;
    bool calling = false;  ///< the calling thread, which emits
  };
  using Lock = std::unique_lock<std::mutex>;

  void work_together(std::vector<Worker>& workers);
  void work(Worker& worker);
  /// Does one step; false if there is none at the moment. The lock is held on entry and on return.
  bool take_step(Worker& worker, Lock& lock);
  bool emit_batch(Lock& lock);
  bool encode_batch(Worker& worker, Lock& lock);
  bool advance_item(Worker& worker, Step step, Lock& lock);
  bool decode_item(const Worker& worker, Lock& lock);

  std::unique_ptr<Item> decode();
  void search(Item& item, Worker& worker);
  void follow(Item& item);
  void cut(Item& item, Worker& worker);
  Status place(Batch& batch, Worker& worker);
  Status encode(Batch& batch, Worker& worker);
  Status emit(Batch& batch);
  Status emit(Item& item, const float* embeddings);
  Status deliver();

  void gather();
  void close_batch();
  bool wants(const video::Frame& frame);
  void plan_jumps();
  Status jump();
  bool stopped() const { return stop_ || (cancel_ != nullptr && *cancel_); }
  bool finished() const { return decoded_all_ && items_.empty() && batches_.empty(); }

  video::VideoSource& source_;
  const std::string name_;
  face::FaceFinder& finder_;
  FaceReader& reader_;
  TrackBook& book_;
  const RecognizerOptions& options_;
  const ClipSink& sink_;
  const std::atomic<bool>* cancel_;
  const int threads_;
  const bool live_;
  Pace pace_;  // used by the decoding thread
  const std::size_t most_frames_;

  std::atomic<bool> stop_{false};
  std::atomic<bool> alone_{true};  // only the calling thread
  std::mutex mutex_;               // guards everything down to failure_
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Item>> items_;     // decoded, not yet in a batch, in order
  std::deque<std::unique_ptr<Batch>> batches_;  // closed, in order
  std::unique_ptr<Batch> open_;                 // being filled
  std::size_t frames_inside_ = 0;               // from decoder to sink
  bool decoding_ = false;
  bool following_ = false;
  bool decoded_all_ = false;
  bool broken_ = false;         // a frame had a problem: later frames do not count
  Status problem_;              // of a frame; reported after all frames before it
  std::exception_ptr failure_;  // thrown in any thread

  TrackPlaces places_;  // used by the thread that has the first batch without positions
  // Used by the calling thread only.
  LabelSegments segments_;
  std::deque<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;  // of their pixels
  bool refused_ = false;           // by the sink
  bool holds_ = false;             // holds frames back until the baseline is known
  std::size_t held_scores_ = 0;
  FrameResult last_;  // the last analysed frame that was delivered
  // Used by the decoding thread. If few frames are wanted: their times, and the next one.
  std::optional<std::int64_t> last_analysed_us_;
  std::vector<std::int64_t> jumps_;
  std::size_t next_jump_ = 0;
  std::optional<std::int64_t> last_index_;
  video::Covered covered_;
  SummaryResult summary_;
};

}  // namespace mien::pipeline
