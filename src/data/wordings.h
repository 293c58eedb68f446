#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mien/core/rng.h"

namespace mien::data {

/// Ways to say one thing.
using Words = std::array<std::string_view, 3>;

inline std::string_view pick(std::span<const std::string_view> words, Rng& rng) {
  return words[static_cast<std::size_t>(rng.below(words.size()))];
}

/// FNV-1a, so that every sample has wordings of its own.
inline std::uint64_t hash_of(std::string_view text) {
  std::uint64_t out = 14695981039346656037ULL;
  for (const char c : text) out = (out ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return out;
}

}  // namespace mien::data
