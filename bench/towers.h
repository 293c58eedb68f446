#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness.h"

namespace mien::bench {

struct TowerOptions {
  std::filesystem::path bundle;
  std::filesystem::path pixels;      ///< raw float32, [count, 3, S, S], preprocessed
  std::filesystem::path embeddings;  ///< where embeddings go, raw float32; empty: nowhere
  std::vector<int> batches;
  std::vector<int> threads;
  std::vector<int> texts;
  std::vector<std::string> precisions;  ///< "fp32", "bf16"
};

/// Writes the tokens of the texts that run_towers times: OUT-COUNT.i32, raw int32, every row as
/// long as the longest of all; that length is printed as a JSON line.
Status write_tokens(const std::filesystem::path& bundle, const std::filesystem::path& out,
                    const std::vector<int>& counts);

/// Times the image and the text tower of a bundle. bf16 is left out where the CPU has none.
Status run_towers(const TowerOptions& options, const Plan& plan);

}  // namespace mien::bench
