#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace mien::cli {

/// One line on standard error that shows the progress of long work: items, rate, time left.
/// Silent if standard error is not a terminal, and for work that ends within half a second.
class Progress {
 public:
  /// `total` <= 0: unknown.
  Progress(std::string what, std::int64_t total);
  /// `latest`: text about the latest item, shown instead of the count if the total is unknown. It
  /// is called only when the line is drawn.
  void update(std::int64_t done, const std::function<std::string()>& latest = {});
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
