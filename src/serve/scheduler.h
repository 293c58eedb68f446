#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "mien/engine/bundle.h"
#include "mien/face/finder.h"
#include "serve/lru.h"

namespace mien::serve {

/// What a worker keeps from task to task.
struct Worker {
  engine::Session session;
  Lru<std::unique_ptr<face::FaceFinder>> finders{4};
};

/// The faces of one request, ready for the image tower.
struct Crops {
  std::shared_ptr<const engine::Bundle> bundle;
  std::vector<float> pixels;  ///< [count, 3, S, S]
  std::int64_t count = 0;
  /// Gets the embeddings [count, embed], or why there are none. Must not throw.
  std::function<void(Worker&, const Status&, const float* rows)> done;
};

/// Runs tasks on a fixed number of threads, and encodes the faces of several requests at once.
///
/// A free worker encodes waiting faces when there are enough for a batch, when the oldest has
/// waited for long enough, or when no task waits; otherwise it runs the next task. So faces are
/// only held back while other requests are being prepared, and a single request never waits.
/// Threads: all functions are safe from several threads.
class Scheduler {
 public:
  using Task = std::function<void(Worker&)>;  // must not throw

  struct Options {
    int workers = 1;
    std::size_t queue = 64;   ///< tasks of post() that may wait
    std::int64_t batch = 16;  ///< faces to encode together, at most (more if one request has more)
    std::chrono::microseconds delay{5000};  ///< longest that faces wait while tasks are waiting
    int threads = 0;  ///< of kernels, shared by the workers that are busy; 0: as many as workers
  };
  struct Counts {
    std::size_t waiting = 0;  ///< tasks
    int busy = 0;             ///< workers
    std::int64_t batches = 0;
    std::int64_t faces = 0;  ///< encoded so far
  };

  /// Errors: kResourceLimit when no thread can be started.
  static Result<std::unique_ptr<Scheduler>> start(const Options& options);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  /// Finishes what was posted.
  ~Scheduler();

  /// False: the queue is full, or finish() was called.
  bool post(Task task);
  /// For work that is bounded by other means; runs before other tasks. False after finish().
  bool post_first(Task task);
  /// Only from a task: encodes faces and calls `done` in a worker.
  void encode(Crops crops);
  /// Runs everything that was posted, then ends the threads. Call it once.
  void finish();

  Counts counts() const;
  bool full() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    Crops crops;
    Clock::time_point since;
  };
  explicit Scheduler(const Options& options) : options_(options) {}
  void work();
  void run_batch(Worker& worker, std::vector<Crops>& batch);
  bool batch_is_due() const;
  std::vector<Crops> take_batch();

  Options options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> first_;
  std::deque<Task> tasks_;
  std::deque<Waiting> crops_;
  std::int64_t waiting_faces_ = 0;
  bool closed_ = false;
  Counts counts_;
  std::vector<std::thread> threads_;
};

}  // namespace mien::serve
