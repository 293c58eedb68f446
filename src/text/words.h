#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "text/tokenizer.h"

namespace mien::text {

/// Whole words as tokens. Texts are lower-cased and split into words of letters, digits, hyphens
/// and apostrophes. An unknown word is split at hyphens and apostrophes; parts that are still
/// unknown become character trigrams, each hashed into one of `buckets` ids, so that every text has
/// ids. All other characters separate words.
/// Ids: 0 is padding, 1 to words() are the words in order, then the buckets.
class WordTokenizer : public Tokenizer {
 public:
  virtual std::int32_t words() const = 0;
  virtual std::int32_t buckets() const = 0;
  /// The id of a known word; 0 for any other.
  virtual std::int32_t find(std::string_view word) const = 0;
  /// Ids of the trigrams of a word, known or not.
  virtual std::vector<std::int32_t> spell(std::string_view word) const = 0;
  /// The words of a text without an id, which are represented by trigrams; split and lower-cased,
  /// each once, in order.
  virtual std::vector<std::string> unknown_words(std::string_view text) const = 0;
  /// The word of an id; empty for padding and buckets.
  virtual std::string_view word(std::int32_t id) const = 0;
};

/// Reads a word list: a first line "mien-words 1 BUCKETS", then one word per line. Errors: kCorrupt
/// naming the line for a damaged head, an empty or duplicate word, ill-formed UTF-8; kResourceLimit
/// for more than two million words.
Result<std::shared_ptr<const WordTokenizer>> parse_words(std::string_view file,
                                                         const Limits& limits = {});

/// Whether a tokenizer file is a word list.
bool is_word_list(std::string_view file);

}  // namespace mien::text
