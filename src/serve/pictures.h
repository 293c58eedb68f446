#pragma once

#include <memory>
#include <string>

#include "mien/face/finder.h"
#include "mien/pipeline/result.h"
#include "serve/message.h"
#include "serve/model.h"
#include "serve/scheduler.h"

namespace mien::serve {

/// What is the same for all requests with pictures.
struct PictureOptions {
  face::FinderOptions finder;  ///< as the server was started
  Limits limits;
};

/// The finder options of a request.
face::FinderOptions finder_of(const PictureOptions& options, const Ask& ask);

/// Answers /v1/predict, /v1/embed and /v1/detect. Threads: safe from several threads.
class Pictures {
 public:
  /// Borrows `models` and `scheduler`.
  Pictures(const Models& models, Scheduler& scheduler, PictureOptions options)
      : models_(models), scheduler_(scheduler), options_(std::move(options)) {}

  /// `bytes`: the encoded picture. `reply` is called once, also when the queue is full.
  void answer(EndPoint of, Ask ask, std::string bytes, Reply reply);
  /// Runs a face of zeros through the first model. `done` gets what went wrong.
  void probe(std::function<void(const Status&)> done);

 private:
  struct Job;
  void prepare(const std::shared_ptr<Job>& job, Worker& worker);
  Status prepare_faces(const std::shared_ptr<Job>& job, Worker& worker);
  static Status finish(Job& job, const float* rows);

  const Models& models_;
  Scheduler& scheduler_;
  PictureOptions options_;
};

/// Runs `work` and turns what it throws into a Status.
Status without_exceptions(const std::function<Status()>& work);

}  // namespace mien::serve
