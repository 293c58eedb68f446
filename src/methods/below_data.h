#pragma once

#include <filesystem>

namespace mien::methods {

/// A file or folder that a recipe names: as it is when it is there, else below the folder of data.
/// No name stays no name.
inline std::filesystem::path below_data(const std::filesystem::path& data,
                                        const std::filesystem::path& name) {
  return !name.empty() && name.is_relative() && !std::filesystem::exists(name) ? data / name : name;
}

}  // namespace mien::methods
