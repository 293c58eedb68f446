#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/core/status.h"
#include "text/merge_table.h"

namespace mien::text {

/// CLIP uses the first 49152 - 256 - 2 merges of OpenAI's file.
inline constexpr std::size_t kMaxMerges = 49152 - 256 - 2;
inline constexpr std::int32_t kByteTokens = 256;
inline constexpr std::string_view kWordEnd = "</w>";
inline constexpr std::string_view kStartToken = "<|startoftext|>";
inline constexpr std::string_view kEndToken = "<|endoftext|>";

/// Two neighbouring tokens, as written in a file of merges.
using Merge = std::pair<std::string_view, std::string_view>;

/// The tokens in OpenAI's order: 256 bytes, 256 bytes with "</w>", the merges, the two specials.
/// Tokens are spelled in the characters of OpenAI's byte-to-character table, in UTF-8.
class Vocabulary {
 public:
  /// `subject` starts the messages. Errors: kCorrupt (a part that is not an earlier token, a merge
  /// that makes an existing token), kUnsupported above kMaxMerges.
  static Result<Vocabulary> build(const std::vector<Merge>& merges, std::string_view subject);

  std::int32_t size() const { return static_cast<std::int32_t>(offsets_.size()) - 1; }
  std::int32_t start() const { return size() - 2; }
  std::int32_t end() const { return size() - 1; }
  const MergeTable& merges() const { return merges_; }
  /// Precondition: 0 <= id < size().
  std::string_view token(std::int32_t id) const;
  /// The id of a token, or -1.
  std::int32_t find(std::string_view token) const;
  /// The token of one byte inside a word.
  std::int32_t byte_token(unsigned char byte) const { return byte_tokens_[byte]; }
  /// The bytes that a token stands for, with "</w>" as it is spelled.
  std::string bytes_of(std::int32_t id) const;
  /// The file of merges in its plain format.
  std::string merges_text() const;

 private:
  explicit Vocabulary(std::size_t merge_count);
  /// The slot of `token`, or the free slot where it belongs.
  std::size_t slot_of(std::string_view token) const;
  /// False when the token exists.
  bool add(std::string_view left, std::string_view right);

  std::string pool_;                    // all tokens, one after the other
  std::vector<std::uint32_t> offsets_;  // size() + 1 positions in pool_
  std::vector<std::int32_t> slots_;     // hash table of ids, -1 where free
  std::vector<std::uint32_t> splits_;   // per merge, the length of its left part
  std::int32_t byte_tokens_[256] = {};
  unsigned char bytes_[256] = {};  // per byte token, its byte
  MergeTable merges_;
};

}  // namespace mien::text
