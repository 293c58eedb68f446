#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"
#include "mien/text/labels.h"
#include "text/tokenizer.h"

namespace mien::text {

/// What is doubtful about the words of a label set, one message each: a word that the tokenizer
/// knows by its letters only ("suprise: unknown word; did you mean surprise?"), and a label that is
/// several labels without a comma. At most ten, then how many more there are. A byte-level
/// tokenizer spells every rare word, so there only words that resemble one for an expression count.
/// Errors: kInvalidArgument for a label or text in which the tokenizer finds no word at all.
Result<std::vector<std::string>> word_notes(const LabelSet& labels, const Tokenizer& tokenizer);

/// Known words that `word` may have been meant as, best first, at most three: those for
/// expressions first, then the nearest of the word list.
std::vector<std::string> near_words(std::string_view word, const Tokenizer& tokenizer);

/// The words of a text in lower case: letters and digits, apart at everything else.
std::vector<std::string> plain_words(std::string_view text);

}  // namespace mien::text
