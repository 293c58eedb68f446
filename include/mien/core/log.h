#pragma once

#include <functional>
#include <string_view>

namespace mien {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Where a library reports what is worth telling but is not an error. Libraries never print;
/// an empty sink drops the message.
using LogSink = std::function<void(LogLevel, std::string_view)>;

/// Calls `sink` when there is one.
inline void log_to(const LogSink& sink, LogLevel level, std::string_view message) {
  if (sink) sink(level, message);
}

}  // namespace mien
