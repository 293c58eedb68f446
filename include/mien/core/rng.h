#pragma once

#include <cstdint>

namespace mien {

/// Small deterministic generator (xoshiro256**, seeded by splitmix64); the same numbers on every
/// machine. Threads: not thread-safe; one per worker.
class Rng {
 public:
  explicit Rng(std::uint64_t seed);

  /// Uniform over all 64-bit values.
  std::uint64_t next_u64();
  /// Uniform over {0..bound-1}, without modulo bias. Precondition: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Standard normal (Box-Muller).
  double normal();

 private:
  std::uint64_t state_[4];
};

}  // namespace mien
