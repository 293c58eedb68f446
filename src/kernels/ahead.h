#pragma once

// No library types here: files compiled for one instruction set include this.
#include <cstdint>

namespace mien::kernels {

/// Prefetches the weights of the next tiles, a little at every step of this one, so that they are
/// in the second-level cache by then. All at once, the prefetches would stall this tile.
struct Ahead {
  const char* from = nullptr;
  std::int64_t step = 0;  ///< bytes

  void fetch() {
    __builtin_prefetch(from, 0, 2);
    from += step;
  }
};

/// Part `share` of `shares` of the `bytes` at `from`, over `steps` steps.
inline Ahead ahead_of(const void* from, std::int64_t bytes, std::int64_t share, std::int64_t shares,
                      std::int64_t steps) {
  return {static_cast<const char*>(from) + bytes * share / shares,
          (bytes / shares + steps - 1) / steps};
}

}  // namespace mien::kernels
