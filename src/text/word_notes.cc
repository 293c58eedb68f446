#include "text/word_notes.h"

#include <algorithm>
#include <set>

#include "core/spelling.h"
#include "core/utf8.h"
#include "mien/text/labels.h"
#include "mien/text/prompts.h"
#include "text/builtin_labels.h"
#include "text/quote.h"
#include "text/unicode.h"
#include "text/words.h"

namespace mien::text {
namespace {

constexpr std::size_t kMostNotes = 10;
constexpr std::size_t kMostNear = 3;

std::u32string lower_points(std::string_view text) {
  const std::vector<char32_t> points = to_code_points(text);
  return to_lower({points.begin(), points.end()});
}

// Edits allowed for a word of that many letters; two edits turn a short word into any other.
std::size_t edits_allowed(std::size_t letters) {
  if (letters < 3) return 0;
  if (letters < 6) return 1;
  return letters < 10 ? 2 : 3;
}

// Names and other forms of the built-in labels, and common words for expressions.
const std::vector<std::string>& words_for_expressions() {
  static const std::vector<std::string> words = [] {
    std::set<std::string> out;
    for (const BuiltinLabel& label : builtin_labels()) {
      out.emplace(label.name);
      out.insert(label.aliases.begin(), label.aliases.end());
    }
    std::string_view rest = expression_words();
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      out.emplace(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::vector<std::string>(out.begin(), out.end());
  }();
  return words;
}

bool is_expression(std::string_view word) {
  const auto& words = words_for_expressions();
  return std::binary_search(words.begin(), words.end(), word);
}

std::string note_of(const std::string& word, const std::vector<std::string>& near) {
  const std::string start = word + ": unknown word";
  if (near.empty()) {
    return start + ", known only by its letters, so its scores mean little";
  }
  std::string out = start + "; did you mean ";
  for (std::size_t n = 0; n < near.size(); ++n) {
    if (n > 0) out += n + 1 == near.size() ? " or " : ", ";
    out += near[n];
  }
  return out + "?";
}

class Notes {
 public:
  explicit Notes(const Tokenizer& tokenizer)
      : tokenizer_(tokenizer), words_(dynamic_cast<const WordTokenizer*>(&tokenizer)) {}

  Status add(const Label& label) {
    for (const std::string& text : label.texts) {
      MIEN_ASSIGN_OR_RETURN(const auto ids, tokenizer_.encode(text));
      if (ids.empty()) return no_words(text);
    }
    if (label.origin == Label::Origin::kTemplates) {
      MIEN_ASSIGN_OR_RETURN(const auto ids, tokenizer_.encode(label.name));
      if (ids.empty()) return no_words(label.name);
      check_several(label.name);
      check_negation(label.name);
      check_words(label.name);
    } else if (label.origin == Label::Origin::kOwn) {
      for (const std::string& text : label.texts) check_words(text);
    }
    for (const Label& part : label.parts) MIEN_RETURN_IF_ERROR(add(part));
    return {};
  }

  std::vector<std::string> take() {
    if (more_ > 0) out_.push_back("and " + std::to_string(more_) + " more words of that kind");
    return std::move(out_);
  }

 private:
  static Status no_words(std::string_view text) {
    return invalid_argument("labels: " + in_quotes(text) +
                            ": contains no readable word (expected words)");
  }

  void note(std::string text) {
    if (out_.size() < kMostNotes) {
      out_.push_back(std::move(text));
    } else {
      ++more_;
    }
  }

  // "happy sad neutral" is one label, which is hardly intended.
  void check_several(const std::string& name) {
    const std::vector<std::string> words = plain_words(name);
    std::set<std::string_view> labels;
    for (const std::string& word : words) {
      if (!builtin_label_of(word).empty()) labels.insert(builtin_label_of(word));
    }
    if (words.size() < 2 || labels.size() != words.size()) return;
    std::string list;
    for (const std::string& word : words) list += (list.empty() ? "" : ",") + word;
    note(in_quotes(name) + ": is one label; did you mean " + list + "?");
  }

  // A text tower reads "no smile" as "smile".
  void check_negation(const std::string& name) {
    for (const std::string& word : plain_words(name)) {
      if (word != "no" && word != "not" && word != "non" && word != "without" && word != "never") {
        continue;
      }
      return note(in_quotes(name) + ": '" + word +
                  "' is not understood (expected what the face shows instead)");
    }
  }

  void check_words(const std::string& text) {
    const std::vector<std::string> found =
        words_ != nullptr ? words_->unknown_words(text) : plain_words(text);
    for (const std::string& word : found) {
      if (word.size() < 2 || !seen_.insert(word).second) continue;  // "a" carries no meaning
      if (out_.size() >= kMostNotes) {
        if (words_ != nullptr) ++more_;
        continue;
      }
      if (words_ == nullptr && !is_spelt(word)) continue;
      const std::vector<std::string> near = near_words(word, tokenizer_);
      if (words_ != nullptr || !near.empty()) note(note_of(word, near));
    }
  }

  // More than one token of a byte-level tokenizer.
  bool is_spelt(const std::string& word) const {
    if (is_expression(word)) return false;
    const auto ids = tokenizer_.encode(word);
    return ids.ok() && ids->size() > 1;
  }

  const Tokenizer& tokenizer_;
  const WordTokenizer* words_;
  std::set<std::string> seen_;
  std::vector<std::string> out_;
  std::size_t more_ = 0;
};

}  // namespace

std::vector<std::string> plain_words(std::string_view text) {
  std::vector<std::string> out;
  std::string word;
  for (const char32_t c : lower_points(text)) {
    if (is_letter(c) || is_number(c)) {
      append_utf8(word, c);
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) out.push_back(std::move(word));
  return out;
}

std::vector<std::string> near_words(std::string_view word, const Tokenizer& tokenizer) {
  std::string wanted;
  const std::u32string letters = lower_points(word);
  for (const char32_t c : letters) append_utf8(wanted, c);
  const std::size_t most = edits_allowed(letters.size());
  if (most == 0) return {};
  std::vector<std::string_view> known(words_for_expressions().begin(),
                                      words_for_expressions().end());
  std::vector<std::size_t> near = nearest(wanted, known, most);
  const auto* words = dynamic_cast<const WordTokenizer*>(&tokenizer);
  if (near.empty() && words != nullptr) {  // the words of a list are sorted by frequency
    known.clear();
    for (std::int32_t id = 1; id <= words->words(); ++id) known.push_back(words->word(id));
    near = nearest(wanted, known, most);
  }
  if (near.size() > kMostNear) near.resize(kMostNear);
  std::vector<std::string> out;
  for (const std::size_t place : near) out.emplace_back(known[place]);
  return out;
}

Result<std::vector<std::string>> word_notes(const LabelSet& labels, const Tokenizer& tokenizer) {
  Notes notes(tokenizer);
  for (const Label& label : labels.labels) MIEN_RETURN_IF_ERROR(notes.add(label));
  return notes.take();
}

}  // namespace mien::text
