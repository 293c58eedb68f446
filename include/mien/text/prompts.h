#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mien::text {

/// Our prompt templates with `{}` where the words go; they read well with nouns and adjectives.
const std::vector<std::string>& prompt_templates();

/// The templates filled with `words`.
std::vector<std::string> prompt_texts(std::string_view words);

/// The texts that describe `name`: those of a built-in label when the name is one or an alias of
/// one
/// ("anger" for "angry"; case does not matter), else the filled templates.
std::vector<std::string> describe(std::string_view name);

/// `pattern` with the noun of a label in place of `{class}` ("anger" for "angry") and "a" or "an"
/// in place of `{a}`.
std::string class_prompt(std::string pattern, std::string_view name);

/// The built-in name and its aliases ("angry", "anger", ...); only `name` when it is neither.
std::vector<std::string> aliases_of(std::string_view name);

/// The built-in label that `name` means, or an empty string.
std::string_view builtin_label_of(std::string_view name);

/// Sixty-six words for how a face may look, separated by commas.
std::string_view expression_words();

}  // namespace mien::text
