#include "core/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "core/cpus.h"

namespace mien {
namespace {

using Clock = std::chrono::steady_clock;

// About twice the time to wake a thread: no helper sleeps between the steps of a forward pass.
constexpr auto kSpin = std::chrono::microseconds(60);
// A gap this long between two looks at the clock means that the thread lost its processor to
// another.
constexpr auto kAway = std::chrono::microseconds(300);
// Longest time that a thread spins.
constexpr auto kBusy = std::chrono::milliseconds(20);
constexpr auto kRetryStart = std::chrono::seconds(1);

thread_local bool inside = false;  // this thread is working on a part

std::atomic<std::uint64_t> forks{0};

std::uint64_t count_forks() {
  static const int registered =
      ::pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); });
  static_cast<void>(registered);
  return forks.load(std::memory_order_relaxed);
}

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

/// A thread and its mailbox. Two threads look at `state` at the same time; the rest belongs to the
/// caller that claimed the helper, and to the helper while it works.
struct alignas(64) ThreadPool::Helper {
  enum State : std::uint32_t { kIdle, kTaken, kGo, kWorking, kDone, kQuit };

  std::atomic<std::uint32_t> state{kIdle};
  Job* job = nullptr;
  int slot = 0;
  // Parts of this slot that have not begun; a thread with no parts left takes some from other
  // slots.
  std::atomic<std::int64_t> next{0};
  std::int64_t end = 0;
  std::thread thread;
};

struct ThreadPool::Job {
  Call call;
  int team = 1;
  std::array<Helper*, kMostThreads> of_slot;  // [0]: the caller's own
  std::atomic<bool> failed{false};
  std::exception_ptr failure = nullptr;  // from the thread that set `failed`

  Job(const Call& what, Helper& caller) : call(what) { of_slot[0] = &caller; }

  /// Does the parts of a slot, then parts of others that have not begun.
  void work(int slot) noexcept {
    try {
      for (int i = 0; i < team; ++i) {
        Helper& from = *of_slot[static_cast<std::size_t>((slot + i) % team)];
        while (!failed.load(std::memory_order_relaxed)) {
          const std::int64_t part = from.next.fetch_add(1, std::memory_order_relaxed);
          if (part >= from.end) break;
          call.run(call.work, part, slot);
        }
      }
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  }
};

struct ThreadPool::Crew {
  const std::uint64_t made_after = count_forks();
  std::array<std::unique_ptr<Helper>, kMostThreads> helpers;
  std::atomic<int> count{0};
  std::atomic<Clock::rep> busy_until{0};
  std::mutex growing;
  Clock::time_point try_again{};  // after a thread could not be started

  bool spins() const {
    return Clock::now().time_since_epoch().count() > busy_until.load(std::memory_order_relaxed);
  }

  /// Waits until `atom` differs from `old`: spins for a moment, then sleeps.
  std::uint32_t wait(const std::atomic<std::uint32_t>& atom, std::uint32_t old) {
    std::uint32_t now = atom.load(std::memory_order_acquire);
    if (now == old && spins()) {
      const auto begin = Clock::now();
      for (auto last = begin; now == old && last - begin < kSpin;) {
        for (int i = 0; i < 16 && now == old; ++i) {
          pause_briefly();
          now = atom.load(std::memory_order_acquire);
        }
        const auto at = Clock::now();
        if (at - last > kAway) {
          busy_until.store((at + kBusy).time_since_epoch().count(), std::memory_order_relaxed);
        }
        last = at;
      }
    }
    while (now == old) {
      atom.wait(old, std::memory_order_acquire);
      now = atom.load(std::memory_order_acquire);
    }
    return now;
  }

  /// Claims idle helpers for the free slots of a job, up to `team` threads.
  void take(int team, Job& job) {
    const int all = count.load(std::memory_order_acquire);
    for (int i = 0; i < all && job.team < team; ++i) {
      Helper& helper = *helpers[static_cast<std::size_t>(i)];
      std::uint32_t idle = Helper::kIdle;
      if (helper.state.load(std::memory_order_relaxed) != idle ||
          !helper.state.compare_exchange_strong(idle, Helper::kTaken)) {
        continue;
      }
      helper.job = &job;
      helper.slot = job.team;
      job.of_slot[static_cast<std::size_t>(job.team++)] = &helper;
    }
  }

  /// Starts one more helper, unless there are `most` or another thread is starting one.
  bool grow(int most) {
    const std::unique_lock lock(growing, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    const int number = count.load(std::memory_order_relaxed);
    if (number >= most || Clock::now() < try_again) return false;
    auto helper = std::make_unique<Helper>();
    // Signals are for the program's own threads.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      helper->thread = std::thread(serve, std::ref(*helper), std::ref(*this));
    } catch (const std::system_error&) {
      try_again = Clock::now() + kRetryStart;
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!helper->thread.joinable()) return false;
    helpers[static_cast<std::size_t>(number)] = std::move(helper);
    count.store(number + 1, std::memory_order_release);
    return true;
  }

  void stop() {
    const int all = count.load(std::memory_order_acquire);
    for (int i = 0; i < all; ++i) {
      Helper& helper = *helpers[static_cast<std::size_t>(i)];
      helper.state.store(Helper::kQuit);
      helper.state.notify_all();
      helper.thread.join();
    }
  }
};

ThreadPool::ThreadPool(int most_helpers)
    : most_helpers_(std::clamp(most_helpers, 0, kMostThreads - 1)),
      crew_(std::make_unique<Crew>().release()) {}

ThreadPool::~ThreadPool() {
  Crew* const last = crew_.load();
  // After fork() the threads of the parent do not exist here; their state must not be touched.
  if (last->made_after != count_forks()) return;
  last->stop();
  std::unique_ptr<Crew> owned(last);
}

ThreadPool& ThreadPool::shared() {
  // Never destroyed: other threads may still be in a call when the process ends.
  static ThreadPool& pool = *std::make_unique<ThreadPool>().release();
  return pool;
}

int ThreadPool::threads_of(int threads) { return std::clamp(threads, 1, kMostThreads); }

int ThreadPool::helpers() const { return crew_.load()->count.load(); }

/// The helpers of this process, not those of a parent before fork().
ThreadPool::Crew& ThreadPool::crew() {
  Crew* now = crew_.load(std::memory_order_acquire);
  if (now->made_after == count_forks()) return *now;
  auto made = std::make_unique<Crew>();
  if (crew_.compare_exchange_strong(now, made.get())) return *made.release();
  return *now;  // another thread was faster
}

void ThreadPool::serve(Helper& helper, Crew& crew) {
  inside = true;
  ::pthread_setname_np(::pthread_self(), "mien-pool");
  for (;;) {
    std::uint32_t state = helper.state.load();
    if (state == Helper::kQuit) return;
    if (state != Helper::kGo) {
      crew.wait(helper.state, state);
    } else if (helper.state.compare_exchange_strong(state, Helper::kWorking)) {
      helper.job->work(helper.slot);
      helper.state.store(Helper::kDone);
      helper.state.notify_all();
    }
  }
}

void ThreadPool::run_parts(const Call& call, std::int64_t parts, int threads) {
  if (inside) {  // the caller already runs inside a parallel call
    for (std::int64_t part = 0; part < parts; ++part) call.run(call.work, part, 0);
    return;
  }
  Helper own;
  Job job(call, own);
  const auto team = static_cast<int>(std::min<std::int64_t>({threads, parts, most_helpers_ + 1}));
  Crew& mates = crew();
  // Concurrent callers share the machine; a single caller may still ask for more threads than it
  // has.
  const int most = std::min(most_helpers_, std::max(team, available_cpus()) - 1);
  mates.take(team, job);
  while (job.team < team && mates.grow(most)) mates.take(team, job);
  for (int slot = 0; slot < job.team; ++slot) {
    Helper& of = *job.of_slot[static_cast<std::size_t>(slot)];
    of.next.store(parts * slot / job.team, std::memory_order_relaxed);
    of.end = parts * (slot + 1) / job.team;
  }
  for (int slot = 1; slot < job.team; ++slot) {
    Helper& helper = *job.of_slot[static_cast<std::size_t>(slot)];
    helper.state.store(Helper::kGo);
    helper.state.notify_all();
  }
  inside = true;
  job.work(0);
  inside = false;
  // All parts have begun, so helpers that have not woken up yet are no longer needed.
  for (int slot = 1; slot < job.team; ++slot) {
    Helper& helper = *job.of_slot[static_cast<std::size_t>(slot)];
    std::uint32_t state = Helper::kGo;
    if (helper.state.compare_exchange_strong(state, Helper::kTaken)) continue;
    while (state != Helper::kDone) state = mates.wait(helper.state, state);
  }
  // Only now: until the last part was done, a helper might have been looking for parts of others.
  for (int slot = 1; slot < job.team; ++slot) {
    job.of_slot[static_cast<std::size_t>(slot)]->state.store(Helper::kIdle);
  }
  if (job.failure) std::rethrow_exception(job.failure);
}

}  // namespace mien
