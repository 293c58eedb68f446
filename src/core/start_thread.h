#pragma once

#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "mien/core/status.h"

namespace mien {

/// Appends a thread that runs `work` to `threads`. Errors: kResourceLimit when the system cannot
/// start one (limits of processes, threads or memory); `threads` is then unchanged.
template <class Work>
Status start_thread(std::vector<std::thread>& threads, Work work) {
  threads.reserve(threads.size() + 1);  // so that only the thread itself can fail
  try {
    threads.emplace_back(std::move(work));
  } catch (const std::system_error& error) {
    return resource_limit(std::string("thread: cannot be started: ") + error.code().message() +
                          " (expected a higher limit of processes or memory, or fewer threads)");
  }
  return {};
}

}  // namespace mien
