#include "mien/text/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "mien/core/utf8.h"
#include "text/unicode.h"

namespace mien::text {
namespace {

constexpr std::string_view kHead = "mien-words 1 ";
constexpr std::size_t kMostWords = 2'000'000;
constexpr std::size_t kMostWordBytes = 200;
constexpr std::int32_t kMostBuckets = 1 << 20;
constexpr int kMostContext = 1 << 20;
constexpr std::size_t kGram = 3;

bool is_joint(char32_t c) { return c == U'-' || c == U'\''; }
bool is_plain(char32_t c) { return is_letter(c) || is_number(c); }

std::u32string points_of(std::string_view text) {
  const std::vector<char32_t> points = to_code_points(text);
  return {points.begin(), points.end()};
}

std::string utf8_of(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) append_utf8(out, c);
  return out;
}

// Pieces of `text` between characters that do not belong to words.
template <class Belongs, class Use>
void each_piece(std::u32string_view text, Belongs belongs, Use use) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && belongs(text[end])) ++end;
    if (end > at) use(text.substr(at, end - at));
    at = end + 1;
  }
}

std::u32string_view trim_joints(std::u32string_view word) {
  while (!word.empty() && is_joint(word.front())) word.remove_prefix(1);
  while (!word.empty() && is_joint(word.back())) word.remove_suffix(1);
  return word;
}

class Words final : public WordTokenizer {
 public:
  Words(std::vector<std::string> words, std::int32_t buckets, const Limits& limits)
      : words_(std::move(words)), buckets_(buckets), max_text_bytes_(limits.max_text_bytes) {
    ids_.reserve(words_.size());
    for (std::size_t i = 0; i < words_.size(); ++i) {
      ids_.emplace(words_[i], static_cast<std::int32_t>(i + 1));
    }
  }

  Result<std::vector<std::int32_t>> encode(std::string_view text) const override {
    if (text.size() > max_text_bytes_) {
      return resource_limit(fmt::format("text: too long (expected at most {} bytes, got {})",
                                        max_text_bytes_, text.size()));
    }
    std::u32string lower = to_lower(points_of(text));
    // Typographic apostrophes and hyphens are those of the word list.
    std::replace(lower.begin(), lower.end(), U'\u2019', U'\'');
    std::replace(lower.begin(), lower.end(), U'\u2010', U'-');
    std::vector<std::int32_t> out;
    each_piece(
        lower, [](char32_t c) { return is_plain(c) || is_joint(c); },
        [&](std::u32string_view word) { add_word(trim_joints(word), out); });
    return out;
  }

  Result<std::vector<std::int32_t>> encode_padded(std::string_view text, int context,
                                                  bool* truncated) const override {
    if (context < 1 || context > kMostContext) {
      return invalid_argument(
          fmt::format("context: out of range (expected 1 to {}, got {})", kMostContext, context));
    }
    MIEN_ASSIGN_OR_RETURN(std::vector<std::int32_t> ids, encode(text));
    if (truncated != nullptr) *truncated = ids.size() > static_cast<std::size_t>(context);
    ids.resize(static_cast<std::size_t>(context), 0);
    return ids;
  }

  std::int32_t vocabulary_size() const override { return 1 + words() + buckets_; }
  std::int32_t words() const override { return static_cast<std::int32_t>(words_.size()); }
  std::int32_t buckets() const override { return buckets_; }
  std::int32_t find(std::string_view word) const override {
    const auto it = ids_.find(word);
    return it == ids_.end() ? 0 : it->second;
  }
  std::vector<std::int32_t> spell(std::string_view word) const override {
    std::vector<std::int32_t> out;
    add_grams(points_of(word), out);
    return out;
  }
  std::string_view word(std::int32_t id) const override {
    return id >= 1 && id <= words() ? std::string_view(words_[static_cast<std::size_t>(id - 1)])
                                    : std::string_view();
  }
  std::string file_text() const override {
    std::string out = fmt::format("{}{}\n", kHead, buckets_);
    for (const std::string& word : words_) out.append(word).append("\n");
    return out;
  }

 private:
  void add_word(std::u32string_view word, std::vector<std::int32_t>& out) const {
    if (word.empty()) return;
    if (const std::int32_t id = find(utf8_of(word)); id != 0) {
      out.push_back(id);
      return;
    }
    each_piece(word, is_plain, [&](std::u32string_view part) {
      const std::int32_t id = find(utf8_of(part));
      id != 0 ? out.push_back(id) : add_grams(part, out);
    });
  }

  // Trigrams of "<word>".
  void add_grams(std::u32string_view word, std::vector<std::int32_t>& out) const {
    if (buckets_ == 0 || word.empty()) return;
    std::u32string marked(1, U'<');
    marked.append(word).push_back(U'>');
    for (std::size_t at = 0; at + kGram <= marked.size(); ++at) {
      std::uint32_t hash = 2166136261U;  // FNV-1a
      for (const char byte : utf8_of(std::u32string_view(marked).substr(at, kGram))) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619U;
      }
      out.push_back(1 + words() +
                    static_cast<std::int32_t>(hash % static_cast<std::uint32_t>(buckets_)));
    }
  }

  std::vector<std::string> words_;
  std::int32_t buckets_;
  std::uint64_t max_text_bytes_;
  std::unordered_map<std::string_view, std::int32_t> ids_;  // into words_, which never changes
};

}  // namespace

bool is_word_list(std::string_view file) { return file.starts_with(kHead); }

Result<std::shared_ptr<const WordTokenizer>> parse_words(std::string_view file,
                                                         const Limits& limits) {
  std::size_t line_end = std::min(file.find('\n'), file.size());
  std::int32_t buckets = -1;
  if (is_word_list(file)) {
    const char* end = file.data() + line_end;
    const auto [stop, error] = std::from_chars(file.data() + kHead.size(), end, buckets);
    if (error != std::errc() || stop != end) buckets = -1;
  }
  if (buckets < 0 || buckets > kMostBuckets) {
    return corrupt(fmt::format("word list: line 1 is damaged (expected '{}' and a number up to {})",
                               kHead, kMostBuckets));
  }
  std::vector<std::string> words;
  for (std::size_t at = line_end + 1; at < file.size(); at = line_end + 1) {
    line_end = std::min(file.find('\n', at), file.size());
    const std::string_view word = file.substr(at, line_end - at);
    if (word.empty() || word.size() > kMostWordBytes || !is_valid_utf8(word)) {
      return corrupt(fmt::format("word list: line {} is no word", words.size() + 2));
    }
    if (words.size() >= kMostWords) {
      return resource_limit(fmt::format("word list: more than {} words", kMostWords));
    }
    words.emplace_back(word);
  }
  std::vector<std::string_view> sorted(words.begin(), words.end());
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end()) {
    return corrupt(fmt::format("word list: '{}' is there twice", *twice));
  }
  return std::shared_ptr<const WordTokenizer>(
      std::make_shared<Words>(std::move(words), buckets, limits));
}

}  // namespace mien::text
