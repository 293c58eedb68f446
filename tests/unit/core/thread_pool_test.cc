#include "core/thread_pool.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace mien {
namespace {

// How often each part was done.
std::vector<int> counts_of(ThreadPool& pool, std::int64_t parts, int threads) {
  std::vector<std::atomic<int>> done(static_cast<std::size_t>(parts));
  pool.run(parts, threads, [&](std::int64_t part, int) { ++done[static_cast<std::size_t>(part)]; });
  return {done.begin(), done.end()};
}

TEST(ThreadPool, DoesEveryPartOnce) {
  ThreadPool pool;
  for (const int threads : {0, 1, 2, 3, 7, 300}) {
    for (const std::int64_t parts : {0, 1, 2, 5, 64, 1000}) {
      EXPECT_EQ(counts_of(pool, parts, threads),
                std::vector<int>(static_cast<std::size_t>(parts), 1))
          << parts << " parts, " << threads << " threads";
    }
  }
}

TEST(ThreadPool, OneThreadDoesThePartsInOrderWithoutHelpers) {
  ThreadPool pool;
  std::vector<std::int64_t> order;
  pool.run(5, 1, [&](std::int64_t part, int slot) {
    EXPECT_EQ(slot, 0);
    order.push_back(part);
  });
  EXPECT_EQ(order, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(pool.helpers(), 0);
}

// A part that waits for all others finishes only if all run at the same time.
TEST(ThreadPool, RunsPartsConcurrently) {
  ThreadPool pool;
  std::atomic<int> arrived{0};
  std::vector<std::atomic<int>> slots(4);
  pool.run(4, 4, [&](std::int64_t, int slot) {
    ++slots[static_cast<std::size_t>(slot)];
    ++arrived;
    while (arrived < 4) std::this_thread::yield();
  });
  for (const auto& slot : slots) EXPECT_EQ(slot, 1);  // no two threads share scratch memory
  EXPECT_EQ(pool.helpers(), 3);
}

TEST(ThreadPool, KeepsItsThreads) {
  ThreadPool pool;
  for (int i = 0; i < 200; ++i) counts_of(pool, 8, 3);
  EXPECT_EQ(pool.helpers(), 2);
}

// Also helpers that have fallen asleep by then.
TEST(ThreadPool, WakesSleepingHelpers) {
  ThreadPool pool;
  for (int i = 0; i < 3; ++i) {
    std::atomic<int> arrived{0};
    pool.run(3, 3, [&](std::int64_t, int) {
      ++arrived;
      while (arrived < 3) std::this_thread::yield();
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST(ThreadPool, IdleThreadsTakePartsFromOthers) {
  ThreadPool pool;
  std::atomic<int> others{0};
  // The first part waits for all parts that a fixed share would give to the same thread.
  pool.run(8, 2, [&](std::int64_t part, int) {
    if (part > 0) {
      ++others;
      return;
    }
    while (others < 7) std::this_thread::yield();
  });
  EXPECT_EQ(others, 7);
}

TEST(ThreadPool, NestedCallsStayInTheirThread) {
  ThreadPool pool;
  std::atomic<int> done{0};
  pool.run(4, 4, [&](std::int64_t, int) {
    const auto self = std::this_thread::get_id();
    pool.run(3, 4, [&](std::int64_t, int slot) {
      EXPECT_EQ(slot, 0);
      EXPECT_EQ(std::this_thread::get_id(), self);
      ++done;
    });
    ThreadPool other;  // so does another pool
    other.run(3, 4, [&](std::int64_t, int) { ++done; });
    EXPECT_EQ(other.helpers(), 0);
  });
  EXPECT_EQ(done, 24);
}

TEST(ThreadPool, RethrowsAndStaysUsable) {
  ThreadPool pool;
  for (const int threads : {1, 2, 4}) {
    for (const std::int64_t bad : {0, 5, 99}) {
      std::atomic<int> done{0};
      try {
        pool.run(100, threads, [&](std::int64_t part, int) {
          if (part == bad) throw std::runtime_error("part " + std::to_string(part));
          ++done;
        });
        ADD_FAILURE() << "nothing was thrown";
      } catch (const std::runtime_error& error) {
        EXPECT_EQ(error.what(), "part " + std::to_string(bad));
      }
      EXPECT_LT(done, 100);
      EXPECT_EQ(counts_of(pool, 50, threads), std::vector<int>(50, 1));
    }
  }
}

TEST(ThreadPool, ManyThrowingPartsGiveOneException) {
  ThreadPool pool;
  for (int i = 0; i < 50; ++i) {
    EXPECT_THROW(pool.run(64, 4, [](std::int64_t, int) { throw std::runtime_error("no"); }),
                 std::runtime_error);
  }
}

TEST(ThreadPool, ServesManyCallersAtOnce) {
  ThreadPool pool;
  std::vector<std::thread> callers;
  std::atomic<std::int64_t> sum{0};
  for (int caller = 0; caller < 6; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        std::array<std::int64_t, 4> of_slot{};
        pool.run(17, 4, [&](std::int64_t part, int slot) {
          of_slot[static_cast<std::size_t>(slot)] += part;  // a slot has one thread at a time
        });
        sum += std::accumulate(of_slot.begin(), of_slot.end(), std::int64_t{0});
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 6 * 200 * (16 * 17 / 2));
}

TEST(ThreadPool, CanBeCreatedAndDestroyedAtAnyTime) {
  for (int i = 0; i < 30; ++i) {
    ThreadPool pool;
    if (i % 3 > 0) counts_of(pool, 16, 1 + i % 5);
  }
}

TEST(ThreadPool, NeverExceedsItsHelperLimit) {
  ThreadPool none(0), two(2);
  EXPECT_EQ(counts_of(none, 20, 8), std::vector<int>(20, 1));
  EXPECT_EQ(counts_of(two, 20, 8), std::vector<int>(20, 1));
  EXPECT_EQ(none.helpers(), 0);
  EXPECT_LE(two.helpers(), 2);
  EXPECT_EQ(ThreadPool::threads_of(-1), 1);
  EXPECT_EQ(ThreadPool::threads_of(100'000), ThreadPool::kMostThreads);
}

#if !defined(MIEN_SANITIZED)  // sanitizers need to start threads and track all of them

// In a separate process: a limit does not remove threads that already exist.
void run_in_child(int (*body)()) {
  const ::pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(body());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(ThreadPool, WorksWhenThreadsCannotBeStarted) {
  run_in_child([]() -> int {
    ::pthread_attr_t stack;  // larger than any address space
    ::pthread_attr_init(&stack);
    ::pthread_attr_setstacksize(&stack, std::size_t{1} << 47);
    if (::pthread_setattr_default_np(&stack) != 0) return 3;
    ThreadPool pool;
    const auto counts = counts_of(pool, 40, 4);
    if (pool.helpers() != 0) return 2;
    return counts == std::vector<int>(40, 1) ? 0 : 1;
  });
}

TEST(ThreadPool, AChildProcessStartsItsOwnThreads) {
  counts_of(ThreadPool::shared(), 64, 3);
  ASSERT_GE(ThreadPool::shared().helpers(), 1);
  run_in_child([]() -> int {
    std::atomic<int> arrived{0};
    ThreadPool::shared().run(3, 3, [&](std::int64_t, int) {
      ++arrived;
      while (arrived < 3) std::this_thread::yield();
    });
    return arrived == 3 && ThreadPool::shared().helpers() == 2 ? 0 : 1;
  });
  run_in_child([]() -> int {  // a pool of the parent can be destroyed here as well
    std::exit(0);
  });
  counts_of(ThreadPool::shared(), 64, 3);
}

#endif

}  // namespace
}  // namespace mien
