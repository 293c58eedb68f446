#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien::engine {

/// The bundle that is used when none is named.
inline constexpr std::string_view kDefaultBundle = "compact";

/// Folders of shipped bundles, preferred first: share/mien/models beside the bin folder of
/// this program; `models` in a folder above the program (a source tree).
std::vector<std::filesystem::path> model_folders();

/// The path of a bundle: `name_or_path` if it exists, or the bundle of that name in one of the
/// folders `first` or model_folders(). Errors: kNotFound naming what was searched for and where.
Result<std::filesystem::path> find_bundle(std::string_view name_or_path,
                                          std::span<const std::filesystem::path> first = {});

}  // namespace mien::engine
