#include "text/tokenizer.h"

#include <algorithm>
#include <utility>

#include "core/file.h"
#include "core/utf8.h"
#include "text/split.h"
#include "text/vocabulary.h"
#include "text/vocabulary_formats.h"

namespace mien::text {
namespace {

// Positions inside one text are 32 bits; cleaning makes a text at most three times as long.
constexpr std::uint64_t kMostTextBytes = std::uint64_t{1} << 28;
constexpr int kMostContext = 1 << 20;

class ClipTokenizer final : public BpeTokenizer {
 public:
  ClipTokenizer(Vocabulary vocabulary, const Limits& limits)
      : vocabulary_(std::move(vocabulary)),
        max_text_bytes_(std::min(limits.max_text_bytes, kMostTextBytes)) {}

  Result<std::vector<std::int32_t>> encode(std::string_view text) const override {
    if (text.size() > max_text_bytes_) {
      return resource_limit("text: too long (expected at most " + std::to_string(max_text_bytes_) +
                            " bytes, got " + std::to_string(text.size()) + ")");
    }
    const std::u32string cleaned = clean_text(text);
    std::vector<std::int32_t> ids;
    ids.reserve(cleaned.size() / 3 + 1);
    std::string bytes;
    std::vector<std::int32_t> symbols;
    std::size_t position = 0;
    for (Piece piece; next_piece(cleaned, position, piece);) {
      if (piece.kind != Piece::Kind::kWord) {
        ids.push_back(piece.kind == Piece::Kind::kStart ? start_token() : end_token());
        continue;
      }
      bytes.clear();
      for (std::size_t i = piece.begin; i < piece.end; ++i) append_utf8(bytes, cleaned[i]);
      symbols.clear();
      for (const char byte : bytes) {
        symbols.push_back(vocabulary_.byte_token(static_cast<unsigned char>(byte)));
      }
      symbols.back() += kByteTokens;  // the same byte with "</w>"
      merge_symbols(vocabulary_.merges(), symbols);
      ids.insert(ids.end(), symbols.begin(), symbols.end());
    }
    return ids;
  }

  Result<std::vector<std::int32_t>> encode_padded(std::string_view text, int context,
                                                  bool* truncated) const override {
    if (context < 2 || context > kMostContext) {
      return invalid_argument("context: out of range (expected 2 to " +
                              std::to_string(kMostContext) + ", got " + std::to_string(context) +
                              ")");
    }
    MIEN_ASSIGN_OR_RETURN(const std::vector<std::int32_t> ids, encode(text));
    const auto room = static_cast<std::size_t>(context) - 2;
    const std::size_t used = std::min(ids.size(), room);
    if (truncated != nullptr) *truncated = ids.size() > room;
    std::vector<std::int32_t> out(static_cast<std::size_t>(context), 0);
    out[0] = start_token();
    std::copy_n(ids.begin(), used, out.begin() + 1);
    out[used + 1] = end_token();
    return out;
  }

  std::string decode(std::span<const std::int32_t> ids) const override {
    std::string bytes;
    for (const std::int32_t id : ids) {
      if (id >= 0 && id < vocabulary_size()) bytes += vocabulary_.bytes_of(id);
    }
    std::string out;
    for (const char32_t point : to_code_points(bytes)) append_utf8(out, point);
    std::string spaced;
    for (std::size_t at = 0; at < out.size();) {
      const bool word_end = out.compare(at, kWordEnd.size(), kWordEnd) == 0;
      spaced += word_end ? ' ' : out[at];
      at += word_end ? kWordEnd.size() : 1;
    }
    return spaced;
  }

  std::int32_t vocabulary_size() const override { return vocabulary_.size(); }
  std::int32_t start_token() const override { return vocabulary_.start(); }
  std::int32_t end_token() const override { return vocabulary_.end(); }
  std::string merges_text() const override { return vocabulary_.merges_text(); }

 private:
  Vocabulary vocabulary_;
  std::uint64_t max_text_bytes_;
};

using Loaded = std::shared_ptr<const BpeTokenizer>;

Result<Loaded> make_tokenizer(Result<Vocabulary> vocabulary, const Limits& limits) {
  if (!vocabulary.ok()) return vocabulary.status();
  return Loaded(std::make_shared<ClipTokenizer>(std::move(vocabulary).value(), limits));
}

bool is_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

Result<Loaded> load_file(const std::filesystem::path& path, const Limits& limits) {
  const std::uint64_t max_bytes = std::min(limits.max_file_bytes, kMaxVocabularyBytes);
  MIEN_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, read_file(path, max_bytes));
  const std::string subject = path.string();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') {
    return make_tokenizer(read_merges(bytes, subject, limits), limits);
  }
  // vocab.json is a flat map and useless without its merges.
  const std::filesystem::path merges_path = path.parent_path() / "merges.txt";
  if (path.filename() != "vocab.json") {
    return make_tokenizer(read_tokenizer_json(text, subject, limits), limits);
  }
  MIEN_ASSIGN_OR_RETURN(const std::vector<std::byte> merges, read_file(merges_path, max_bytes));
  return make_tokenizer(read_vocab_json(text, merges, subject, limits), limits);
}

}  // namespace

Result<Loaded> parse_bpe_merges(std::span<const std::byte> bytes, const Limits& limits) {
  return make_tokenizer(read_merges(bytes, "BPE merges", limits), limits);
}

Result<Loaded> load_bpe(const std::filesystem::path& path, const Limits& limits) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return load_file(path, limits);
  for (const char* name :
       {"tokenizer.txt", "bpe_simple_vocab_16e6.txt.gz", "bpe_simple_vocab_16e6.txt"}) {
    if (is_file(path / name)) return load_file(path / name, limits);
  }
  if (is_file(path / "vocab.json") && is_file(path / "merges.txt")) {
    return load_file(path / "vocab.json", limits);
  }
  if (is_file(path / "tokenizer.json")) return load_file(path / "tokenizer.json", limits);
  return not_found(path.string() +
                   ": no vocabulary in this folder (expected bpe_simple_vocab_16e6.txt.gz, "
                   "vocab.json with merges.txt, or tokenizer.json)");
}

}  // namespace mien::text
