#pragma once

#include <cstdint>

namespace mien::methods {

/// The seed of everything random in an epoch: the same in a resumed run as in an uninterrupted one.
constexpr std::uint64_t epoch_seed(std::uint64_t seed, int stage, int epoch) {
  return seed * 1'000'003ULL + static_cast<std::uint64_t>(stage) * 10'007ULL +
         static_cast<std::uint64_t>(epoch);
}

}  // namespace mien::methods
