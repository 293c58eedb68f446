#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"
#include "mien/text/labels.h"
#include "text/tokenizer.h"

namespace mien::text {

/// Doubts about the words of a label set, one message each: a word that the tokenizer knows only by
/// its letters ("suprise: unknown word; did you mean surprise?"), and a label that is several
/// labels without commas. At most ten, then the number of further ones. A byte-level tokenizer
/// spells every rare word, so there only words similar to one for an expression are reported.
/// Errors: kInvalidArgument for a label or text in which the tokenizer finds no word at all.
Result<std::vector<std::string>> word_notes(const LabelSet& labels, const Tokenizer& tokenizer);

/// Known words that `word` may mean, best first, at most three: first those for expressions, then
/// the nearest of the word list.
std::vector<std::string> near_words(std::string_view word, const Tokenizer& tokenizer);

/// The words of a text in lower case: runs of letters and digits.
std::vector<std::string> plain_words(std::string_view text);

}  // namespace mien::text
