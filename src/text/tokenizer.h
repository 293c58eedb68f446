#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien::text {

/// Turns text into the ids of a text tower. Threads: immutable; const functions are safe from
/// several threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Token ids of `text`, without start and end tokens, not truncated. Errors: kResourceLimit above
  /// limits.max_text_bytes.
  virtual Result<std::vector<std::int32_t>> encode(std::string_view text) const = 0;
  /// The ids as a tower of this context reads them, zero padded to `context`. Longer texts are cut,
  /// and `truncated` is then set.
  virtual Result<std::vector<std::int32_t>> encode_padded(std::string_view text, int context,
                                                          bool* truncated = nullptr) const = 0;
  virtual std::int32_t vocabulary_size() const = 0;
  /// The content of tokenizer.txt in a bundle.
  virtual std::string file_text() const = 0;
};

/// CLIP's byte-level BPE. Immutable after loading; const functions are safe from several threads.
/// Source: OpenAI's SimpleTokenizer without its optional ftfy step: HTML entities resolved twice,
/// white space collapsed and stripped, lower case, then the pattern and the merges. Letters,
/// numbers and lower case are those of Unicode 14. Ill-formed UTF-8 counts as U+FFFD.
class BpeTokenizer : public Tokenizer {
 public:
  // encode_padded: start token, ids, end token, zero padding; the last token of a text that was cut
  // is still the end token.

  /// The text of `ids`, with a space after every word; ids outside the vocabulary are skipped.
  virtual std::string decode(std::span<const std::int32_t> ids) const = 0;
  virtual std::int32_t start_token() const = 0;
  virtual std::int32_t end_token() const = 0;
  /// The vocabulary as a plain file of merges, from which parse_bpe_merges restores the same ids. A
  /// bundle stores it as tokenizer.txt.
  virtual std::string merges_text() const = 0;
  std::string file_text() const override { return merges_text(); }
};

/// Reads `bpe_simple_vocab_16e6.txt.gz` (or unpacked), `vocab.json` beside `merges.txt`, or a
/// `tokenizer.json`; `path` is the file, or the folder that holds one of the three (or a bundle's
/// tokenizer.txt). Any number of merges up to CLIP's 48,894; the special tokens are the last two
/// ids. Errors: kNotFound, kIo, kCorrupt (damaged), kUnsupported (another kind or order of tokens
/// than CLIP's), kResourceLimit.
Result<std::shared_ptr<const BpeTokenizer>> load_bpe(const std::filesystem::path& path,
                                                     const Limits& limits = {});
/// From bytes: the content of bpe_simple_vocab (gz or plain).
Result<std::shared_ptr<const BpeTokenizer>> parse_bpe_merges(std::span<const std::byte> bytes,
                                                             const Limits& limits = {});

}  // namespace mien::text
