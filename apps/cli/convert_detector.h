#pragma once

#include <filesystem>
#include <string>

#include "mien/core/status.h"

namespace mien::cli {

/// Whether a file is to be read as a face detector in ONNX, by its ending.
bool is_onnx(const std::filesystem::path& path);

struct DetectorConversion {
  std::filesystem::path source;
  std::filesystem::path destination;
  std::string name;
  std::string licence;
  bool overwrite = false;
  bool json = false;
};
/// Makes a detector bundle of YuNet's ONNX file, reads it back and prints what it is.
/// Errors: those of detector_from_onnx and write_detector.
Status convert_detector(const DetectorConversion& wanted);

}  // namespace mien::cli
