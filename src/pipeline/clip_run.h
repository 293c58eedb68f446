#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "mien/core/bounded_queue.h"
#include "mien/face/finder.h"
#include "mien/pipeline/recognizer.h"
#include "pipeline/face_reader.h"
#include "pipeline/track_book.h"

namespace mien::pipeline {

/// One clip on its way: a thread decodes, a thread finds and cuts faces, the calling thread encodes
/// and delivers.
class ClipRun {
 public:
  ClipRun(video::VideoSource& source, std::string name, face::FaceFinder& finder,
          FaceReader& reader, TrackBook& book, const RecognizerOptions& options,
          const ClipSink& sink, const std::atomic<bool>* cancel);

  Result<ClipResult> run();

 private:
  struct Item {
    video::Frame frame;  // its pixels are dropped early when nobody draws them
    int width = 0;
    int height = 0;
    bool analysed = false;
    FacePixels faces;
    Status problem;  // of the decoder or the finder; the last item then
  };

  void decode();
  void find();
  Status deliver();
  Status flush();
  Status emit(Item& item, const float* embeddings);
  bool wants(const video::Frame& frame);
  bool stopped() const { return stop_ || (cancel_ != nullptr && *cancel_); }

  video::VideoSource& source_;
  const std::string name_;
  face::FaceFinder& finder_;
  FaceReader& reader_;
  TrackBook& book_;
  const RecognizerOptions& options_;
  const ClipSink& sink_;
  const std::atomic<bool>* cancel_;

  std::atomic<bool> stop_{false};
  BoundedQueue<Item> decoded_{4};
  BoundedQueue<Item> found_{8};
  std::optional<std::int64_t> last_analysed_us_;  // of the decoding thread

  std::deque<Item> waiting_;  // of the calling thread: frames whose faces are not encoded yet
  std::size_t waiting_faces_ = 0;
  std::vector<float> pixels_;
  std::vector<float> embeddings_;
  FrameResult last_;
  SummaryResult summary_;
};

}  // namespace mien::pipeline
