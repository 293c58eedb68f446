#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/start_thread.h"
#include "data/views.h"
#include "mien/core/rng.h"
#include "mien/core/status.h"

namespace mien::data {

struct LoaderOptions {
  int threads = 2;
  int ahead = 64;               ///< maximum number of items that wait
  double max_bad_share = 0.01;  ///< maximum share of unreadable items
  /// If several processes share an order, each takes its part of every common batch of `world` *
  /// `batch` items. Items after the last whole batch are dropped.
  int batch = 1;
  int rank = 0;
  int world = 1;
};

/// Makes items on several threads and hands them out in order. An item depends on its index and on
/// an Rng of its own, seeded by (seed, position in the whole order), so the numbers of threads and
/// processes change nothing. An item that cannot be made is counted and replaced by the next
/// readable one of the order. An exception of `make` is an error of its item, which is not
/// replaced.
/// Threads: one consumer; `make` runs on several threads at once.
template <class Item>
class Loader {
 public:
  using Make = std::function<Result<Item>(std::int64_t index, Rng& rng)>;

  explicit Loader(Make make, LoaderOptions options = {})
      : make_(std::move(make)), options_(options) {}
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  ~Loader() { stop(); }

  /// Begins an epoch at position `first` of `order`; the rest of the previous epoch is dropped. If
  /// the system gives fewer threads than requested, those do the work; if none, next() returns the
  /// error.
  void start(View order, std::uint64_t seed, std::int64_t first = 0) {
    stop();
    order_ = std::move(order);
    seed_ = seed;
    next_to_make_ = next_to_give_ = first;
    stopping_ = false;
    ready_.clear();
    start_problem_ = Status();
    for (int i = 0; i < std::max(1, options_.threads) && start_problem_.ok(); ++i) {
      start_problem_ = start_thread(workers_, [this] { work(); });
    }
  }

  /// Number of items left in this epoch.
  std::int64_t remaining() const { return size() - next_to_give_; }

  /// The next item. Precondition: remaining() > 0. Errors: the last problem, when more items than
  /// allowed, or sixteen in a row, are unreadable; kInternal and kResourceLimit when `make` threw,
  /// or no thread could be started.
  Result<Item> next() {
    MIEN_CHECK(remaining() > 0);
    if (workers_.empty()) return start_problem_;
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return ready_.contains(next_to_give_); });
    auto node = ready_.extract(next_to_give_++);
    room_.notify_all();
    if (too_many_bad()) return last_problem_;
    return std::move(node.mapped());
  }

  /// Number of different items that could not be read so far, in all epochs.
  std::int64_t bad() const {
    const std::lock_guard lock(mutex_);
    return static_cast<std::int64_t>(bad_indices_.size());
  }
  /// The problem of the first of them.
  std::vector<std::string> problems() const {
    const std::lock_guard lock(mutex_);
    return problems_;
  }

 private:
  static constexpr std::int64_t kTries = 16;
  static constexpr std::size_t kProblemsKept = 20;

  std::int64_t whole() const { return static_cast<std::int64_t>(order_.size()); }
  /// Items of this process.
  std::int64_t size() const {
    const std::int64_t common = std::int64_t{options_.batch} * options_.world;
    return whole() / common * options_.batch;
  }
  /// Position of the n-th item of this process in the whole order.
  std::int64_t position_of(std::int64_t n) const {
    return n / options_.batch * options_.batch * options_.world + options_.rank * options_.batch +
           n % options_.batch;
  }

  bool too_many_bad() const {
    return bad_indices_.size() > 1 && static_cast<double>(bad_indices_.size()) >
                                          options_.max_bad_share * static_cast<double>(whole());
  }

  void note_problem(std::int64_t index, const Status& status) {
    const std::lock_guard lock(mutex_);
    if (!bad_indices_.insert(index).second) return;
    if (problems_.size() < kProblemsKept) problems_.push_back(status.message());
    last_problem_ = status.with_prefix(
        "more than " + std::to_string(static_cast<int>(100 * options_.max_bad_share)) +
        " % of the samples are unreadable; the last");
  }

  // An exception that leaves a thread ends the process.
  Result<Item> try_make(std::int64_t index, Rng& rng, bool& threw) {
    try {
      return make_(index, rng);
    } catch (const std::bad_alloc&) {
      threw = true;
      return resource_limit("samples: not enough memory to read one");
    } catch (const std::exception& error) {
      threw = true;
      return internal_error(std::string("samples: ") + error.what());
    }
  }

  Result<Item> make(std::int64_t position) {
    Status problem;
    for (std::int64_t k = 0; k < std::min(kTries, whole()); ++k) {
      const std::int64_t index = order_[static_cast<std::size_t>((position + k) % whole())];
      Rng rng(seed_ + 0x9E3779B97F4A7C15ULL * static_cast<std::uint64_t>(position + 1));
      bool threw = false;
      Result<Item> item = try_make(index, rng, threw);
      if (item.ok() || threw) return item;
      problem = item.status();
      note_problem(index, problem);
    }
    return problem;
  }

  void work() {
    for (;;) {
      std::int64_t position = 0;
      {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] {
          return stopping_ || next_to_make_ >= size() ||
                 next_to_make_ < next_to_give_ + std::max(1, options_.ahead);
        });
        if (stopping_ || next_to_make_ >= size()) return;
        position = next_to_make_++;
      }
      Result<Item> item = make(position_of(position));
      const std::lock_guard lock(mutex_);
      ready_.emplace(position, std::move(item));
      filled_.notify_one();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      room_.notify_all();
    }
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  Make make_;
  LoaderOptions options_;
  View order_;
  std::uint64_t seed_ = 0;
  std::vector<std::thread> workers_;
  Status start_problem_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable room_;
  std::int64_t next_to_make_ = 0;
  std::int64_t next_to_give_ = 0;
  bool stopping_ = false;
  std::map<std::int64_t, Result<Item>> ready_;
  std::set<std::int64_t> bad_indices_;
  std::vector<std::string> problems_;
  Status last_problem_;
};

}  // namespace mien::data
