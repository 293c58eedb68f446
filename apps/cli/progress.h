#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace mien::cli {

/// One line on standard error that shows how far long work is: items, rate, time left.
/// Silent when standard error is no terminal, and for work that ends within half a second.
class Progress {
 public:
  /// `total` <= 0: unknown.
  Progress(std::string what, std::int64_t total);
  void update(std::int64_t done);
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
