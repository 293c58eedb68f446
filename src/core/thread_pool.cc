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

// About twice what it takes to wake a thread: between the steps of a forward pass nobody sleeps.
constexpr auto kSpin = std::chrono::microseconds(60);
// Who was away for so long between two looks at the clock has lost its processor to another.
constexpr auto kAway = std::chrono::microseconds(300);
// Nobody spins for so long after that.
constexpr auto kBusy = std::chrono::milliseconds(20);
constexpr auto kRetryStart = std::chrono::seconds(1);

thread_local bool inside = false;  // this thread works on a part

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

/// A thread and its letter box. Its state is all that two threads look at at once; the rest belongs
/// to the caller who took it, and to the thread while it works.
struct alignas(64) ThreadPool::Helper {
  enum State : std::uint32_t { kIdle, kTaken, kGo, kWorking, kDone, kQuit };

  std::atomic<std::uint32_t> state{kIdle};
  Job* job = nullptr;
  int slot = 0;
  // Parts of this slot that nobody has begun; a thread that has none left takes from others.
  std::atomic<std::int64_t> next{0};
  std::int64_t end = 0;
  std::thread thread;
};

struct ThreadPool::Job {
  Call call;
  int team = 1;
  std::array<Helper*, kMostThreads> of_slot;  // [0]: the caller's own
  std::atomic<bool> failed{false};
  std::exception_ptr failure = nullptr;  // of the thread that set `failed`

  Job(const Call& what, Helper& caller) : call(what) { of_slot[0] = &caller; }

  /// Does the parts of a slot, and then those that others have not begun.
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

  /// Waits until `atom` has another value than `old`: for a moment awake, then asleep.
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

  /// Takes idle helpers into the slots of a job that are free, up to `team` threads.
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

  /// Starts one more, unless there are `most` or somebody else is at it.
  bool grow(int most) {
    const std::unique_lock lock(growing, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    const int number = count.load(std::memory_order_relaxed);
    if (number >= most || Clock::now() < try_again) return false;
    auto helper = std::make_unique<Helper>();
    // Signals are for the threads of the program.
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
  // The threads of a parent are not here: what belongs to them stays as it is.
  if (last->made_after != count_forks()) return;
  last->stop();
  std::unique_ptr<Crew> owned(last);
}

ThreadPool& ThreadPool::shared() {
  // Never destroyed: at the end of the process other threads may still be in a call.
  static ThreadPool& pool = *std::make_unique<ThreadPool>().release();
  return pool;
}

int ThreadPool::threads_of(int threads) { return std::clamp(threads, 1, kMostThreads); }

int ThreadPool::helpers() const { return crew_.load()->count.load(); }

/// The helpers of this process, not those that a parent had.
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
  if (inside) {  // whoever called has shared out the machine already
    for (std::int64_t part = 0; part < parts; ++part) call.run(call.work, part, 0);
    return;
  }
  Helper own;
  Job job(call, own);
  const auto team = static_cast<int>(std::min<std::int64_t>({threads, parts, most_helpers_ + 1}));
  Crew& mates = crew();
  // Callers at the same time share what the machine has; one that wants more than that gets it.
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
  // All parts have begun. Who has not woken up by now need not any more.
  for (int slot = 1; slot < job.team; ++slot) {
    Helper& helper = *job.of_slot[static_cast<std::size_t>(slot)];
    std::uint32_t state = Helper::kGo;
    if (helper.state.compare_exchange_strong(state, Helper::kTaken)) continue;
    while (state != Helper::kDone) state = mates.wait(helper.state, state);
  }
  // Only now: until the last was done, it might have looked for parts of the others.
  for (int slot = 1; slot < job.team; ++slot) {
    job.of_slot[static_cast<std::size_t>(slot)]->state.store(Helper::kIdle);
  }
  if (job.failure) std::rethrow_exception(job.failure);
}

}  // namespace mien
