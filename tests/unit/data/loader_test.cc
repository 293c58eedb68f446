#include "data/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <new>
#include <stdexcept>

#include "data/embedding_cache.h"
#include "support/test_support.h"

namespace mien::data {
namespace {

using testing::HasSubstr;

struct Item {
  std::int64_t index = 0;
  std::uint64_t drawn = 0;
  bool operator==(const Item&) const = default;
};

View order(std::int64_t n) {
  View out;
  for (std::int64_t i = 0; i < n; ++i) out.push_back((i * 7) % n);
  return out;
}

std::vector<Item> epoch(int threads, std::uint64_t seed, std::int64_t first,
                        const std::set<std::int64_t>& bad = {}) {
  Loader<Item> loader(
      [&](std::int64_t index, Rng& rng) -> Result<Item> {
        if (bad.contains(index)) return corrupt("broken " + std::to_string(index));
        std::this_thread::sleep_for(std::chrono::microseconds(rng.below(300)));
        return Item{index, rng.next_u64()};
      },
      {.threads = threads, .ahead = 5, .max_bad_share = 0.1});
  loader.start(order(50), seed, first);
  std::vector<Item> out;
  while (loader.remaining() > 0) {
    auto item = loader.next();
    EXPECT_TRUE(item.ok());
    if (!item.ok()) break;
    out.push_back(*item);
  }
  EXPECT_EQ(loader.bad(), static_cast<std::int64_t>(bad.size()));
  return out;
}

TEST(Loader, TheSameForAnyNumberOfThreads) {
  const auto one = epoch(1, 4, 0);
  ASSERT_EQ(one.size(), 50u);
  EXPECT_EQ(epoch(4, 4, 0), one);
  EXPECT_NE(epoch(4, 5, 0), one);
  EXPECT_EQ(epoch(3, 4, 20), std::vector<Item>(one.begin() + 20, one.end()));
}

TEST(Loader, AnExceptionIsAnErrorOfItsItem) {
  for (const bool memory : {false, true}) {
    Loader<Item> loader(
        [&](std::int64_t index, Rng&) -> Result<Item> {
          if (index == 3 && memory) throw std::bad_alloc();
          if (index == 3) throw std::runtime_error("a decoder gave up");
          return Item{index, 0};
        },
        {.threads = 3, .max_bad_share = 1});
    loader.start({0, 1, 2, 3, 4}, 1);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(loader.next().ok());
    const auto thrown = loader.next();
    EXPECT_EQ(test::code_of(thrown), memory ? StatusCode::kResourceLimit : StatusCode::kInternal);
    EXPECT_THAT(test::problem_of(thrown),
                HasSubstr(memory ? "not enough memory" : "a decoder gave up"));
    EXPECT_TRUE(loader.next().ok());
    EXPECT_EQ(loader.bad(), 0);
  }
}

// In a process of its own, which has no room for the stack of another thread.
TEST(Loader, AThreadThatCannotStartIsAnError) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "address space is not limited under sanitizers";
#endif
  const pid_t pid = fork();
  if (pid == 0) {
    std::int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    // A stack of a gigabyte, which none that an earlier thread left can serve as.
    pthread_attr_t large;
    pthread_attr_init(&large);
    pthread_attr_setstacksize(&large, std::size_t{1} << 30);
    pthread_setattr_default_np(&large);
    const auto most = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + (64 << 20));
    const rlimit limit = {.rlim_cur = most, .rlim_max = most};
    setrlimit(RLIMIT_AS, &limit);
    Loader<Item> loader(
        [](std::int64_t index, Rng&) -> Result<Item> {
          return Item{index, 0};
        },
        {.threads = 2});
    loader.start({0, 1, 2}, 1);
    const auto item = loader.next();
    const bool told = item.status().code() == StatusCode::kResourceLimit &&
                      item.status().message().find("cannot be started") != std::string::npos;
    _exit(told ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(Loader, TheNextReadableStandsIn) {
  const auto good = epoch(2, 1, 0);
  const auto with_bad = epoch(3, 1, 0, {7, 14, 0});
  ASSERT_EQ(with_bad.size(), 50u);
  EXPECT_EQ(with_bad[1].index, good[3].index);  // 7 and 14 are adjacent
  EXPECT_EQ(with_bad[2].index, good[3].index);
  EXPECT_EQ(with_bad[4], good[4]);
}

TEST(Loader, ProcessesShareTheBatches) {
  const auto items = [](int rank, int world, int batch) {
    Loader<Item> loader(
        [](std::int64_t index, Rng& rng) -> Result<Item> {
          return Item{index, rng.next_u64()};
        },
        {.threads = 2, .ahead = 5, .batch = batch, .rank = rank, .world = world});
    loader.start(order(50), 1);
    std::vector<Item> out;
    while (loader.remaining() > 0) out.push_back(*loader.next());
    return out;
  };
  const auto whole = items(0, 1, 8);
  ASSERT_EQ(whole.size(), 48u);
  const auto first = items(0, 2, 4), second = items(1, 2, 4);
  ASSERT_EQ(first.size(), 24u);
  for (std::size_t step = 0; step < 6; ++step) {
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(first[4 * step + i], whole[8 * step + i]);
      EXPECT_EQ(second[4 * step + i], whole[8 * step + 4 + i]);
    }
  }
}

TEST(Loader, TooManyBadOnesStop) {
  Loader<Item> loader(
      [](std::int64_t index, Rng&) -> Result<Item> {
        return index % 5 == 0 ? Result<Item>(corrupt("x.png: broken")) : Result<Item>(Item{index});
      },
      {.threads = 2, .ahead = 4, .max_bad_share = 0.05});
  loader.start(order(100), 1);
  Status problem;
  while (loader.remaining() > 0 && problem.ok()) {
    auto item = loader.next();
    if (!item.ok()) problem = item.status();
  }
  EXPECT_THAT(test::problem_of(problem), HasSubstr("more than 5 % of the samples are unreadable"));
  EXPECT_THAT(test::problem_of(problem), HasSubstr("x.png: broken"));
}

TEST(Loader, CanStopInTheMiddleAndStartAgain) {
  Loader<Item> loader([](std::int64_t index, Rng&) -> Result<Item> { return Item{index}; },
                      {.threads = 3, .ahead = 2});
  for (int i = 0; i < 20; ++i) {
    loader.start(order(40), 1);
    ASSERT_TRUE(loader.next().ok());
  }
  EXPECT_EQ(loader.remaining(), 39);
}

TEST(EmbeddingCache, FillsOnceAndContinuesAfterAStop) {
  const test::TempDir dir;
  std::int64_t filled = 0;
  std::atomic<bool> cancel = false;
  EmbeddingCacheOptions options{.folder = dir / "c",
                                .key = "k",
                                .rows = 25,
                                .width = 3,
                                .rows_per_file = 10,
                                .cancel = &cancel};
  const auto fill = [&](std::int64_t first, std::int64_t count, std::span<float> out) -> Status {
    filled += count;
    if (first == 10 && options.key == "k") cancel = true;
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(3 * first) + static_cast<float>(i);
    }
    return {};
  };
  EXPECT_EQ(test::code_of(EmbeddingCache::open(options, fill)), StatusCode::kCancelled);
  EXPECT_EQ(filled, 20);
  cancel = false;
  const auto cache = EmbeddingCache::open(options, fill);
  ASSERT_TRUE(cache.ok()) << cache.status().message();
  EXPECT_EQ(filled, 25);
  std::vector<float> row(3);
  for (const std::int64_t r : {0, 9, 10, 24}) {
    (*cache)->copy_row(r, row);
    EXPECT_EQ(row[2], static_cast<float>(3 * r + 2));
  }
  ASSERT_TRUE(EmbeddingCache::open(options, fill).ok());
  EXPECT_EQ(filled, 25);
  options.key = "other";
  ASSERT_TRUE(EmbeddingCache::open(options, fill).ok());
  EXPECT_EQ(filled, 50);
}

TEST(EmbeddingCache, DamagedFilesAreMadeAgain) {
  const test::TempDir dir;
  const EmbeddingCacheOptions options{.folder = dir.path(), .key = "k", .rows = 4, .width = 2};
  int calls = 0;
  const auto fill = [&](std::int64_t, std::int64_t, std::span<float> out) -> Status {
    ++calls;
    std::fill(out.begin(), out.end(), 1.0F);
    return {};
  };
  ASSERT_TRUE(EmbeddingCache::open(options, fill).ok());
  for (const auto& file : std::filesystem::directory_iterator(dir.path())) {
    std::filesystem::resize_file(file.path(), 40);
  }
  ASSERT_TRUE(EmbeddingCache::open(options, fill).ok());
  EXPECT_EQ(calls, 2);
  const auto failing = [](std::int64_t, std::int64_t, std::span<float>) {
    return io_error("tower: broke");
  };
  EmbeddingCacheOptions other = options;
  other.key = "z";
  EXPECT_THAT(test::problem_of(EmbeddingCache::open(other, failing)), HasSubstr("tower: broke"));
}

}  // namespace
}  // namespace mien::data
