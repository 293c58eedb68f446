#pragma once

#include <filesystem>

#include "mien/engine/find_bundle.h"

namespace mien::methods {

/// A file or folder that a recipe names: as it is when it is there, else below the folder of data,
/// else the shipped bundle of that name. No name stays no name.
inline std::filesystem::path below_data(const std::filesystem::path& data,
                                        const std::filesystem::path& name) {
  std::error_code error;
  if (name.empty() || !name.is_relative() || std::filesystem::exists(name, error)) return name;
  const std::filesystem::path below = data / name;
  if (std::filesystem::exists(below, error)) return below;
  const auto shipped = engine::find_bundle(name.string());
  return shipped.ok() ? *shipped : below;
}

}  // namespace mien::methods
