#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace mien {

/// Threads for short pieces of work, shared by all callers. A helper that has finished looks for
/// more work for some microseconds and then sleeps; the caller does every part that no helper has
/// begun. So a busy machine loses little to waiting, and a call never waits for a helper that has
/// not started.
/// Threads: run() may be called from several threads at once, which share the helpers. Called
/// inside `work`, it does all parts in the calling thread. After fork() the child starts its own
/// helpers. The destructor waits for the helpers; no call may be running then.
class ThreadPool {
 public:
  static constexpr int kMostThreads = 256;

  /// At most `most_helpers` threads in addition to the callers, started when a call needs them;
  /// fewer if the system cannot start them.
  explicit ThreadPool(int most_helpers = kMostThreads - 1);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  /// The pool of this process, which is never destroyed.
  static ThreadPool& shared();

  /// Calls work(part, slot) once for every part in [0, parts), on up to `threads` threads, and
  /// returns when all are done. Slots are numbers below threads_of(threads), one per thread of this
  /// call, for example to index scratch memory; the calling thread has slot 0. The parts of a slot
  /// run in order unless another thread is idle. Errors: rethrows what a part threw; parts that
  /// have not begun by then are skipped.
  template <class Work>
  void run(std::int64_t parts, int threads, const Work& work) {
    if (parts <= 1 || threads <= 1) {
      for (std::int64_t part = 0; part < parts; ++part) work(part, 0);
      return;
    }
    run_parts({[](const void* of, std::int64_t part, int slot) {
                 (*static_cast<const Work*>(of))(part, slot);
               },
               &work},
              parts, threads);
  }

  /// Most threads that a call for `threads` threads uses.
  static int threads_of(int threads);
  /// Number of helpers started so far.
  int helpers() const;

 private:
  struct Call {
    void (*run)(const void* work, std::int64_t part, int slot);
    const void* work;
  };
  struct Helper;
  struct Job;
  struct Crew;

  void run_parts(const Call& call, std::int64_t parts, int threads);
  Crew& crew();
  static void serve(Helper& helper, Crew& crew);

  const int most_helpers_;
  std::atomic<Crew*> crew_;  // owned; another one after fork()
};

}  // namespace mien
