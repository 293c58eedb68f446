#pragma once

#include <filesystem>

#include "mien/engine/find_bundle.h"

namespace mien::methods {

/// Resolves a file or folder of a recipe: the path itself if it exists, otherwise below the data
/// folder, otherwise the shipped bundle of that name. An empty name stays empty.
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
