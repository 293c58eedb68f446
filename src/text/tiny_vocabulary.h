#pragma once

#include <string_view>

namespace mien::text {

/// A small vocabulary of our own for tests and the random tiny bundle: about 250 merges of words
/// that describe expressions, in the format of parse_bpe_merges (764 tokens in all).
std::string_view tiny_merges_text();

}  // namespace mien::text
