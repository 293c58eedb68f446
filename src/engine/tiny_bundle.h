#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mien/core/status.h"

namespace mien::engine {

struct TinyBundleOptions {
  std::uint64_t seed = 1;
  bool text_tower = true;
  bool temporal = false;  ///< a temporal model of EmoCLIP's kind, read in windows of 8 frames
  std::vector<std::string> targets = {};  ///< of a regression head of two layers; empty: none
  bool overwrite = false;
};

/// Writes a bundle of random weights with small versions of the same towers (32-px pictures, a few
/// hundred kB): for tests, examples and docs. Its answers mean nothing, and its card and name say
/// so.
Status write_tiny_bundle(const std::filesystem::path& path, const TinyBundleOptions& options = {});

}  // namespace mien::engine
