#pragma once

// Opens the source of a conversion: the weights file and the files that belong to it.

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/engine/bundle.h"

namespace mien::convert {

/// An opened source.
struct Source {
  std::filesystem::path given;
  std::filesystem::path weights;  ///< the file, or the shard index
  std::filesystem::path folder;   ///< where tokenizer and configuration are looked for
  std::shared_ptr<const checkpoint::Checkpoint> checkpoint;
  std::vector<std::string> skipped;              ///< pickle entries that hold no tensors
  std::shared_ptr<const engine::Bundle> bundle;  ///< if set, `checkpoint` are its weights
};

/// The weights in a folder, by their usual names; a file is returned as it is.
/// Errors: kNotFound; kUnsupported if several match.
Result<std::filesystem::path> find_weights(const std::filesystem::path& path);

/// Whether `path` is a bundle (a folder or a tar), or the weights inside one.
bool is_bundle(const std::filesystem::path& path);

/// Any weights, also those inside a bundle, ignoring the files beside them. Errors: as
/// find_weights and open_checkpoint.
Result<Source> open_weights(const std::filesystem::path& path, const Limits& limits);

/// The same, or a whole bundle. Errors: as open_weights and Bundle::load.
Result<Source> open_source(const std::filesystem::path& path, const Limits& limits);

/// The weights file, or a shard index with the files it lists. Errors: kIo, kCorrupt.
Result<std::vector<std::filesystem::path>> files_of(const Source& source);

/// The default name of a bundle: that of its source without folder and ending.
std::string default_name(const std::filesystem::path& given);

}  // namespace mien::convert
