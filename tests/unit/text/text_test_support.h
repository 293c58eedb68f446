#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "support/test_support.h"
#include "text/tiny_vocabulary.h"
#include "text/tokenizer.h"

namespace mien::text {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::shared_ptr<const BpeTokenizer> tiny_tokenizer() {
  return parse_bpe_merges(bytes_of(tiny_merges_text())).value();
}

/// CLIP's own table; empty when the shared data is absent.
inline std::filesystem::path clip_table() {
  const std::filesystem::path data = test::shared_data();
  return data.empty() ? data : data / "clip-bpe" / "bpe_simple_vocab_16e6.txt.gz";
}

}  // namespace mien::text

#define MIEN_SKIP_WITHOUT_CLIP_TABLE()                   \
  if (::mien::text::clip_table().empty())                \
  GTEST_SKIP() << "no shared data: CLIP's own table is " \
                  "not in the repository"
