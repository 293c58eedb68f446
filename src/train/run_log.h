#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "mien/core/json.h"
#include "mien/core/status.h"
#include "mien/methods/method.h"
#include "train/event_file.h"

namespace mien::train {

/// Figures of a run as JSON lines and as TensorBoard events.
class RunLog {
 public:
  /// Drops lines of steps after `global_step` (a resumed run writes them again). Errors: kIo.
  Status open(const std::filesystem::path& folder, std::int64_t global_step, double wall_seconds);
  /// One line; numbers also become events below `tag`. Does nothing if not open. Errors: kIo.
  Status write(const Json& line, const char* tag, std::int64_t step, double wall_seconds);
  Status flush();

 private:
  std::ofstream lines_;
  std::string name_;
  EventFile events_;
};

}  // namespace mien::train
