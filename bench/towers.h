#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness.h"

namespace mien::bench {

struct TowerOptions {
  std::filesystem::path bundle;
  std::filesystem::path pixels;      ///< raw float32, [count, 3, S, S], preprocessed
  std::filesystem::path embeddings;  ///< where the fp32 embeddings go, raw float32; empty: nowhere
  std::vector<int> batches;
  std::vector<int> threads;
  std::vector<int> texts;
  std::vector<std::string> precisions;  ///< "fp32", "bf16"
};

/// Times the image and the text tower of a bundle. bf16 is left out where the CPU has none.
Status run_towers(const TowerOptions& options, const Plan& plan);

}  // namespace mien::bench
