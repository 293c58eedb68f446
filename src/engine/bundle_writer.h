#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "checkpoint/safetensors.h"
#include "mien/core/json.h"

namespace mien::engine {

/// The files of a bundle of any kind to be written.
struct WrittenBundle {
  checkpoint::NamedTensors tensors;
  std::string tokenizer;  ///< empty: none
  std::string card;
  /// bundle.json, once the sha256 of the other files is known.
  std::function<Json(std::map<std::string, std::string> hashes)> info;
};

/// As write_bundle.
Status write_bundle_files(const std::filesystem::path& path, const WrittenBundle& content,
                          bool overwrite);

}  // namespace mien::engine
