#include "text/merge_table.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include "mien/core/check.h"

namespace mien::text {
namespace {

// Up to this many symbols, searching all pairs beats a heap.
constexpr std::size_t kShortWord = 40;
constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();

void merge_short(const MergeTable& table, std::vector<std::int32_t>& symbols) {
  std::int32_t merged[kShortWord] = {};  // merge of symbol i and its right neighbour, or kNone
  std::size_t n = symbols.size();
  const auto look_up = [&](std::size_t i) {
    const std::int32_t id = table.find(symbols[i], symbols[i + 1]);
    merged[i] = id < 0 ? kNone : id;
  };
  for (std::size_t i = 0; i + 1 < n; ++i) look_up(i);
  while (n > 1) {
    const std::size_t best =
        static_cast<std::size_t>(std::min_element(merged, merged + n - 1) - merged);
    if (merged[best] == kNone) break;
    symbols[best] = merged[best];
    --n;
    std::copy(symbols.data() + best + 2, symbols.data() + n + 1, symbols.data() + best + 1);
    std::copy(merged + std::min(best + 2, n), merged + n, merged + best + 1);
    if (best > 0) look_up(best - 1);
    if (best + 1 < n) look_up(best);
  }
  symbols.resize(n);
}

// A linked list of symbols with a heap of possible merges. An entry is stale when the pair at its
// position has changed since it was pushed.
class LongWord {
 public:
  LongWord(const MergeTable& table, std::vector<std::int32_t>& symbols)
      : table_(table), symbols_(symbols), next_(symbols.size()), previous_(symbols.size()) {
    const auto n = static_cast<std::int32_t>(symbols.size());
    for (std::int32_t i = 0; i < n; ++i) {
      next_[i] = i + 1 < n ? i + 1 : -1;
      previous_[i] = i - 1;
    }
  }

  void merge() {
    for (std::int32_t i = 0; next_[i] >= 0; i = next_[i]) {
      const std::int32_t id = table_.find(symbols_[i], symbols_[next_[i]]);
      if (id >= 0) heap_.push_back(entry(id, i));
    }
    std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
      const std::uint64_t top = heap_.back();
      heap_.pop_back();
      apply(static_cast<std::int32_t>(top >> 32), static_cast<std::int32_t>(top & 0xFFFFFFFFU));
    }
    std::size_t n = 0;
    for (std::int32_t i = 0; i >= 0; i = next_[i]) symbols_[n++] = symbols_[i];
    symbols_.resize(n);
  }

 private:
  static std::uint64_t entry(std::int32_t id, std::int32_t at) {
    return std::uint64_t{static_cast<std::uint32_t>(id)} << 32 | static_cast<std::uint32_t>(at);
  }

  void push(std::int32_t at) {
    const std::int32_t id = table_.find(symbols_[at], symbols_[next_[at]]);
    if (id < 0) return;
    heap_.push_back(entry(id, at));
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }

  void apply(std::int32_t id, std::int32_t at) {
    const std::int32_t right = next_[at];
    if (symbols_[at] < 0 || right < 0 || table_.find(symbols_[at], symbols_[right]) != id) return;
    symbols_[at] = id;
    symbols_[right] = -1;
    next_[at] = next_[right];
    if (next_[at] >= 0) {
      previous_[next_[at]] = at;
      push(at);
    }
    if (previous_[at] >= 0) push(previous_[at]);
  }

  const MergeTable& table_;
  std::vector<std::int32_t>& symbols_;
  std::vector<std::int32_t> next_;
  std::vector<std::int32_t> previous_;
  std::vector<std::uint64_t> heap_;
};

}  // namespace

MergeTable::MergeTable(std::size_t count)
    : slots_(std::bit_ceil(count * 2 + 2)), mask_(slots_.size() - 1) {}

void MergeTable::add(std::int32_t left, std::int32_t right, std::int32_t merged) {
  MIEN_DCHECK(find(left, right) < 0);
  const std::uint64_t key = key_of(left, right);
  std::size_t slot = slot_of(key);
  while (slots_[slot].merged >= 0) slot = (slot + 1) & mask_;
  slots_[slot] = {.key = key, .merged = merged};
}

void merge_symbols(const MergeTable& table, std::vector<std::int32_t>& symbols) {
  MIEN_CHECK(symbols.size() < static_cast<std::size_t>(kNone));
  if (symbols.size() < 2) return;
  if (symbols.size() <= kShortWord) {
    merge_short(table, symbols);
  } else {
    LongWord(table, symbols).merge();
  }
}

}  // namespace mien::text
