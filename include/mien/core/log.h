#pragma once

#include <functional>
#include <string_view>

namespace mien {

/// How serious a message is.
enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Where a library reports what a user should know but is not an error. Libraries never print; an
/// empty sink drops the message.
using LogSink = std::function<void(LogLevel, std::string_view)>;

/// Calls `sink` unless it is empty.
inline void log_to(const LogSink& sink, LogLevel level, std::string_view message) {
  if (sink) sink(level, message);
}

}  // namespace mien
