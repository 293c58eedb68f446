#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "text/vocabulary.h"

namespace mien::text {

/// No real vocabulary file comes near this size.
inline constexpr std::uint64_t kMaxVocabularyBytes = std::uint64_t{64} << 20;

/// bpe_simple_vocab_16e6.txt or merges.txt, plain or gzip: a line with "#version", then one merge
/// per line. Merges after the first kMaxMerges are ignored, as in OpenAI's code.
Result<Vocabulary> read_merges(std::span<const std::byte> bytes, std::string_view subject,
                               const Limits& limits);
/// Hugging Face's vocab.json and merges.txt. Errors: kUnsupported when the ids are not in CLIP's
/// order.
Result<Vocabulary> read_vocab_json(std::string_view vocab_json, std::span<const std::byte> merges,
                                   std::string_view subject, const Limits& limits);
/// Hugging Face's tokenizer.json. Errors: as read_vocab_json, and kUnsupported when the model is
/// not BPE with "</w>".
Result<Vocabulary> read_tokenizer_json(std::string_view json, std::string_view subject,
                                       const Limits& limits);

}  // namespace mien::text
