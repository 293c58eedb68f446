#include "text/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>

#include "core/utf8.h"
#include "text/unicode.h"

namespace mien::text {
namespace {

constexpr std::string_view kHead = "mien-words 1 ";
constexpr std::size_t kMostWords = 2'000'000;
constexpr std::size_t kMostWordBytes = 200;
constexpr std::int32_t kMostBuckets = 1 << 20;
constexpr int kMostTextContext = 1 << 20;
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

// Splits `text` at characters that are not part of words.
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

// Words in one string, found through a hash table of their ids: a list of 60,000 loads in a few
// milliseconds, much faster than separate strings in a map.
class WordList {
 public:
  /// Room for `count` words of `bytes` bytes in total.
  WordList(std::size_t count, std::size_t bytes) : slots_(std::bit_ceil(2 * count + 2)) {
    text_.reserve(bytes);
    ends_.reserve(count);
  }
  /// False when it exists already. Precondition: fewer than `count` words so far.
  bool add(std::string_view word) {
    std::size_t slot = first_slot(word);
    for (; slots_[slot] != 0; slot = next(slot)) {
      if (at(slots_[slot]) == word) return false;
    }
    text_.append(word);
    ends_.push_back(static_cast<std::uint32_t>(text_.size()));
    slots_[slot] = size();
    return true;
  }
  std::int32_t size() const { return static_cast<std::int32_t>(ends_.size()); }
  /// The word of an id from 1 to size().
  std::string_view at(std::int32_t id) const {
    const auto i = static_cast<std::size_t>(id - 1);
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }
  /// 0: none.
  std::int32_t find(std::string_view word) const {
    std::size_t slot = first_slot(word);
    while (slots_[slot] != 0 && at(slots_[slot]) != word) slot = next(slot);
    return slots_[slot];
  }

 private:
  std::size_t first_slot(std::string_view word) const {
    return std::hash<std::string_view>()(word) & (slots_.size() - 1);
  }
  std::size_t next(std::size_t slot) const { return (slot + 1) & (slots_.size() - 1); }

  std::string text_;
  std::vector<std::uint32_t> ends_;
  std::vector<std::int32_t> slots_;  // ids; 0: free; never more than half are taken
};

class Words final : public WordTokenizer {
 public:
  Words(WordList words, std::int32_t buckets, const Limits& limits)
      : words_(std::move(words)), buckets_(buckets), max_text_bytes_(limits.max_text_bytes) {}

  Result<std::vector<std::int32_t>> encode(std::string_view text) const override {
    if (text.size() > max_text_bytes_) {
      return resource_limit(fmt::format("text: too long (expected at most {} bytes, got {})",
                                        max_text_bytes_, text.size()));
    }
    std::vector<std::int32_t> out;
    each_word(
        text, [&](std::int32_t id) { out.push_back(id); },
        [&](std::u32string_view word) { add_grams(word, out); });
    return out;
  }

  Result<std::vector<std::int32_t>> encode_padded(std::string_view text, int context,
                                                  bool* truncated) const override {
    if (context < 1 || context > kMostTextContext) {
      return invalid_argument(fmt::format("context: out of range (expected 1 to {}, got {})",
                                          kMostTextContext, context));
    }
    MIEN_ASSIGN_OR_RETURN(std::vector<std::int32_t> ids, encode(text));
    if (truncated != nullptr) *truncated = ids.size() > static_cast<std::size_t>(context);
    ids.resize(static_cast<std::size_t>(context), 0);
    return ids;
  }

  std::int32_t vocabulary_size() const override { return 1 + words() + buckets_; }
  std::int32_t words() const override { return words_.size(); }
  std::int32_t buckets() const override { return buckets_; }
  std::int32_t find(std::string_view word) const override { return words_.find(word); }
  std::vector<std::int32_t> spell(std::string_view word) const override {
    std::vector<std::int32_t> out;
    add_grams(points_of(word), out);
    return out;
  }
  std::vector<std::string> unknown_words(std::string_view text) const override {
    std::vector<std::string> out;
    each_word(
        text, [](std::int32_t) {},
        [&](std::u32string_view word) {
          std::string found = utf8_of(word);
          if (std::find(out.begin(), out.end(), found) == out.end()) {
            out.push_back(std::move(found));
          }
        });
    return out;
  }
  std::string_view word(std::int32_t id) const override {
    return id >= 1 && id <= words() ? words_.at(id) : std::string_view();
  }
  std::string file_text() const override {
    std::string out = fmt::format("{}{}\n", kHead, buckets_);
    for (std::int32_t id = 1; id <= words(); ++id) out.append(words_.at(id)).append("\n");
    return out;
  }

 private:
  // The ids of the known words of a text, and those that are known by their letters only.
  template <class Known, class Unknown>
  void each_word(std::string_view text, Known known, Unknown unknown) const {
    std::u32string lower = to_lower(points_of(text));
    // Typographic apostrophes and hyphens count as the plain ones of the word list.
    std::replace(lower.begin(), lower.end(), U'\u2019', U'\'');
    std::replace(lower.begin(), lower.end(), U'\u2010', U'-');
    const auto use = [&](std::u32string_view found) {
      const std::u32string_view word = trim_joints(found);
      if (word.empty()) return;
      if (const std::int32_t id = find(utf8_of(word)); id != 0) return known(id);
      each_piece(word, is_plain, [&](std::u32string_view part) {
        const std::int32_t id = find(utf8_of(part));
        id != 0 ? known(id) : unknown(part);
      });
    };
    each_piece(
        lower, [](char32_t c) { return is_plain(c) || is_joint(c); }, use);
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

  WordList words_;
  std::int32_t buckets_;
  std::uint64_t max_text_bytes_;
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
  const auto lines = static_cast<std::size_t>(std::count(file.begin(), file.end(), '\n'));
  WordList words(std::min(lines + 1, kMostWords), file.size());
  for (std::size_t at = line_end + 1; at < file.size(); at = line_end + 1) {
    line_end = std::min(file.find('\n', at), file.size());
    const std::string_view word = file.substr(at, line_end - at);
    if (word.empty() || word.size() > kMostWordBytes || !is_valid_utf8(word)) {
      return corrupt(fmt::format("word list: line {} is not a word", words.size() + 2));
    }
    if (static_cast<std::size_t>(words.size()) >= kMostWords) {
      return resource_limit(fmt::format("word list: more than {} words", kMostWords));
    }
    if (!words.add(word)) return corrupt(fmt::format("word list: duplicate '{}'", word));
  }
  return std::shared_ptr<const WordTokenizer>(
      std::make_shared<Words>(std::move(words), buckets, limits));
}

}  // namespace mien::text
