#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "mien/core/status.h"

namespace mien::train {

/// A TensorBoard event file of scalars: records with masked CRC-32C, each a small protocol buffer.
class EventFile {
 public:
  /// Starts a new file in `folder`. Readers drop events of older files from `first_step` on, so a
  /// resumed run leaves no duplicate points. Errors: kIo.
  Status open(const std::filesystem::path& folder, double wall_seconds, std::int64_t first_step);
  /// Does nothing if not open. Errors: kIo.
  Status scalar(std::string_view tag, double value, std::int64_t step, double wall_seconds);
  Status flush();

 private:
  Status record(std::string_view event);
  std::ofstream out_;
  std::string name_;
};

/// CRC-32C (Castagnoli) of bytes.
std::uint32_t crc32c(std::string_view bytes);

}  // namespace mien::train
