#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace mien {

/// Threads for short pieces of work, shared by all who call. A thread that has finished looks for
/// more for some microseconds and then sleeps; the caller does what no thread has begun. So a busy
/// machine loses little to waiting, and a call never waits for a thread that has not started.
/// Threads: run() is safe from several threads at once, which share the helpers. Inside of `work`
/// it does all parts in the calling thread. After fork() the child starts threads of its own.
/// Destruction waits for the helpers; no call may be running then.
class ThreadPool {
 public:
  static constexpr int kMostThreads = 256;

  /// At most `most_helpers` threads beside the callers, started when a call wants them. Where the
  /// system starts no more, there are fewer.
  explicit ThreadPool(int most_helpers = kMostThreads - 1);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  /// The one of this process, which lives as long as it.
  static ThreadPool& shared();

  /// Calls work(part, slot) once for every part in [0, parts), on up to `threads` threads, and
  /// returns when all are done. Slots are numbers below threads_of(threads), one per thread of this
  /// call, for memory to work in; the calling thread has 0. The parts of a slot follow each other
  /// as long as no other thread is idle. Errors: throws what a part threw; parts that have not
  /// begun by then are left out.
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

  /// Threads that a call for so many has at most.
  static int threads_of(int threads);
  /// Helpers that were started.
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
