#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mien::text {

/// Maps pairs of tokens to their merge: a hash table with open addressing. Tokens made earlier have
/// smaller ids, so the result is also the rank.
class MergeTable {
 public:
  /// Room for `count` merges.
  explicit MergeTable(std::size_t count = 0);
  /// Precondition: at most `count` merges, and the pair is new.
  void add(std::int32_t left, std::int32_t right, std::int32_t merged);
  /// The merged token, or -1.
  std::int32_t find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t slot = slot_of(key);; slot = (slot + 1) & mask_) {
      if (slots_[slot].merged < 0 || slots_[slot].key == key) return slots_[slot].merged;
    }
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::int32_t merged = -1;
  };
  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 |
           static_cast<std::uint32_t>(right);
  }
  std::size_t slot_of(std::uint64_t key) const {
    std::uint64_t h = key * 0x9E3779B97F4A7C15ULL;
    h ^= h >> 32;
    return static_cast<std::size_t>(h * 0xBF58476D1CE4E5B9ULL >> 24) & mask_;
  }
  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
};

/// Byte pair encoding: repeatedly merges the neighbours of lowest rank, left to right. O(n log n)
/// in the number of symbols; `symbols` is replaced by the result.
void merge_symbols(const MergeTable& table, std::vector<std::int32_t>& symbols);

}  // namespace mien::text
