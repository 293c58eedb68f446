#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace mien::cli {

/// One line on standard error that shows how far long work is: items, rate, time left.
/// Silent when standard error is no terminal, and for work that ends within half a second.
class Progress {
 public:
  /// `total` <= 0: unknown.
  Progress(std::string what, std::int64_t total);
  /// `now`: what the last item said; in place of the count when the total is unknown. It is asked
  /// for only when the line is shown.
  void update(std::int64_t done, const std::function<std::string()>& now = {});
  void finish();
  /// Removes the line, before something else is printed.
  static void clear_line();

 private:
  std::string what_;
  std::int64_t total_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace mien::cli
