#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>

#include "text/tiny_vocabulary.h"
#include "text/tokenizer.h"
#include "text/vocabulary_formats.h"

namespace {

using mien::text::BpeTokenizer;

void check(bool condition) {
  if (!condition) std::abort();
}

void encode(const BpeTokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.encode(text);
  check(ids.ok());
  for (const std::int32_t id : *ids) check(id >= 0 && id < tokenizer.vocabulary_size());
  const auto padded = tokenizer.encode_padded(text, 77);
  check(padded.ok() && padded->size() == 77 && padded->front() == tokenizer.start_token());
  (void)tokenizer.decode(*ids);
}

void read_vocabulary(std::span<const std::byte> bytes) {
  const auto tokenizer = mien::text::parse_bpe_merges(bytes);
  if (!tokenizer.ok()) return;
  encode(**tokenizer, "A happy face doesn't look sad, it's 12% \xF0\x9F\x98\x80!");
  // A written vocabulary must read back unchanged.
  const std::string text = (*tokenizer)->merges_text();
  const auto again = mien::text::parse_bpe_merges(std::as_bytes(std::span(text)));
  check(again.ok() && (*again)->merges_text() == text);
}

}  // namespace

// The first byte selects the kind of the rest: a text, a file of merges, or a tokenizer.json.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::shared_ptr<const BpeTokenizer> tiny = [] {
    const std::string_view merges = mien::text::tiny_merges_text();
    return mien::text::parse_bpe_merges(std::as_bytes(std::span(merges))).value();
  }();
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 'V') {
    read_vocabulary(std::as_bytes(std::span(rest)));
  } else if (data[0] == 'J') {
    (void)mien::text::read_tokenizer_json(rest, "fuzz", {}).ok();
  } else {
    encode(*tiny, rest);
  }
  return 0;
}
