#pragma once

#include <algorithm>
#include <cstdint>

#include "core/thread_pool.h"
#include "mien/kernels/cpu.h"

namespace mien::kernels {

/// Calls work(first, last) for ranges that together cover [0, count), on the thread pool of this
/// process with `threads` threads, or threads(). Ranges are small, so that a thread that starts
/// late or loses its processor delays the end little.
template <class Work>
void parallel_ranges(std::int64_t count, int threads, const Work& work) {
  constexpr std::int64_t kEach = 4;  // ranges of a thread
  const std::int64_t parts = threads <= 1 ? 1 : std::min(count, threads * kEach);
  ThreadPool::shared().run(parts, threads, [&](std::int64_t part, int) {
    work(count * part / parts, count * (part + 1) / parts);
  });
}

/// The same for work(i), one index at a time.
template <class Work>
void parallel_for(std::int64_t count, int threads, const Work& work) {
  parallel_ranges(count, threads, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) work(i);
  });
}

template <class Work>
void parallel_for(std::int64_t count, const Work& work) {
  parallel_for(count, threads(), work);
}

}  // namespace mien::kernels
