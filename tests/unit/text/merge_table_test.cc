#include "text/merge_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "mien/core/rng.h"

namespace mien::text {
namespace {

// The definition: the lowest merged id anywhere, leftmost first, until nothing merges.
std::vector<std::int32_t> merge_plainly(const MergeTable& table, std::vector<std::int32_t> word) {
  while (true) {
    std::size_t best = word.size();
    std::int32_t lowest = 0;
    for (std::size_t i = 0; i + 1 < word.size(); ++i) {
      const std::int32_t id = table.find(word[i], word[i + 1]);
      if (id >= 0 && (best == word.size() || id < lowest)) {
        best = i;
        lowest = id;
      }
    }
    if (best == word.size()) return word;
    word[best] = lowest;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(MergeTable, FindsOnlyAddedPairs) {
  MergeTable table(2);
  table.add(1, 2, 10);
  table.add(2, 1, 11);
  EXPECT_EQ(table.find(1, 2), 10);
  EXPECT_EQ(table.find(2, 1), 11);
  EXPECT_EQ(table.find(1, 1), -1);
  EXPECT_EQ(MergeTable().find(0, 0), -1);
}

TEST(MergeTable, ShortAndLongWordsAgreeWithTheDefinition) {
  Rng rng(7);
  for (int round = 0; round < 200; ++round) {
    MergeTable table(60);
    std::int32_t next = 4;
    for (int i = 0; i < 60; ++i) {
      const auto left = static_cast<std::int32_t>(rng.next_u64() % static_cast<unsigned>(next));
      const auto right = static_cast<std::int32_t>(rng.next_u64() % static_cast<unsigned>(next));
      if (table.find(left, right) < 0) table.add(left, right, next++);
    }
    for (const std::size_t length : {0U, 1U, 2U, 3U, 39U, 40U, 41U, 300U}) {
      std::vector<std::int32_t> word(length);
      for (auto& symbol : word) symbol = static_cast<std::int32_t>(rng.next_u64() % 4);
      const auto expected = merge_plainly(table, word);
      merge_symbols(table, word);
      ASSERT_EQ(word, expected) << "length " << length;
    }
  }
}

TEST(MergeTable, OverlappingPairsMergeFromTheLeft) {
  MergeTable table(1);
  table.add(0, 0, 1);
  std::vector<std::int32_t> word = {0, 0, 0, 0, 0};
  merge_symbols(table, word);
  EXPECT_EQ(word, (std::vector<std::int32_t>{1, 1, 0}));
}

TEST(MergeTable, AMillionSymbolsAvoidQuadraticTime) {
  MergeTable table(20);
  std::int32_t id = 1;
  for (std::int32_t level = 0; level < 20; ++level, ++id) table.add(id - 1, id - 1, id);
  std::vector<std::int32_t> word(std::size_t{1} << 20, 0);
  const auto start = std::chrono::steady_clock::now();
  merge_symbols(table, word);
  EXPECT_EQ(word, std::vector<std::int32_t>{20});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

}  // namespace
}  // namespace mien::text
