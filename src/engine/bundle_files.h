#pragma once

#include <cstdint>

namespace mien::engine {

// Files of a bundle.
constexpr const char* kInfoFile = "bundle.json";
constexpr const char* kWeightsFile = "model.safetensors";
constexpr const char* kTokenizerFile = "tokenizer.txt";
constexpr const char* kCardFile = "CARD.md";
constexpr std::uint64_t kMaxInfoBytes = 64U << 20;

}  // namespace mien::engine
