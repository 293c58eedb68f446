#pragma once

#include <string_view>

namespace mien::text {

/// A small vocabulary of our own for tests and for the random tiny bundle: about 250 merges of
/// words that describe expressions, in the form parse_bpe_merges reads (764 tokens in all).
std::string_view tiny_merges_text();

}  // namespace mien::text
