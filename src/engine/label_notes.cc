#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "mien/engine/label_scorer.h"
#include "mien/text/prompts.h"
#include "text/word_notes.h"
#include "text/words.h"

namespace mien::engine {
namespace {

constexpr std::size_t kMostTold = 10;

// Words that carry no look.
bool is_filler(const std::string& word) {
  static const std::set<std::string> fillers = {
      "a",  "an",         "and",    "are",  "as",   "at",    "be",     "both",   "but",
      "by", "face",       "for",    "from", "has",  "have",  "he",     "her",    "his",
      "if", "in",         "is",     "it",   "its",  "like",  "look",   "looks",  "of",
      "on", "or",         "person", "she",  "that", "the",   "their",  "they",   "this",
      "to", "expression", "very",   "who",  "with", "photo", "facial", "someone"};
  return fillers.contains(word);
}

class UnseenWords {
 public:
  UnseenWords(const std::vector<std::string>& seen, const text::WordTokenizer* known)
      : seen_(seen), known_(known) {}

  void add(const text::Label& label) {
    for (const text::Label& part : label.parts) add(part);
    if (!label.parts.empty()) return;
    if (label.origin == text::Label::Origin::kTemplates) {
      for (const std::string& word : text::plain_words(label.name)) {
        if (!is_seen(word)) tell(word);
      }
      return;
    }
    // Descriptions have words of all kinds: one that says what a face does is enough.
    std::vector<std::string> words;
    for (const std::string& text : label.texts) {
      for (std::string& word : text::plain_words(text)) {
        if (!is_filler(word)) words.push_back(std::move(word));
      }
    }
    const bool any = std::any_of(words.begin(), words.end(),
                                 [&](const std::string& word) { return is_seen(word); });
    if (!any) tell(label.name);
  }

  const std::vector<std::string>& words() const { return words_; }

 private:
  // What the tokenizer does not know either has a note of its own.
  bool is_seen(const std::string& word) const {
    return is_filler(word) || std::binary_search(seen_.begin(), seen_.end(), word) ||
           (known_ != nullptr && !known_->unknown_words(word).empty());
  }
  void tell(const std::string& word) {
    if (std::find(words_.begin(), words_.end(), word) == words_.end()) words_.push_back(word);
  }

  const std::vector<std::string>& seen_;
  const text::WordTokenizer* known_;
  std::vector<std::string> words_;
};

}  // namespace

Result<std::vector<std::string>> label_notes(const Bundle& bundle, const text::LabelSet& labels) {
  std::vector<std::string> out;
  if (labels.labels == bundle.info().labels || !bundle.has_text_tower()) return out;
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer, bundle.tokenizer());
  MIEN_ASSIGN_OR_RETURN(out, text::word_notes(labels, *tokenizer));
  if (!bundle.info().reference) return out;
  UnseenWords unseen(bundle.info().reference->words,
                     dynamic_cast<const text::WordTokenizer*>(tokenizer.get()));
  for (const text::Label& label : labels.labels) unseen.add(label);
  const std::vector<std::string>& words = unseen.words();
  if (words.empty()) return out;
  const std::size_t told = std::min(words.size(), kMostTold);
  std::string list = fmt::format(
      "{}", fmt::join(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(told), ", "));
  if (told < words.size()) list += fmt::format(" and {} more", words.size() - told);
  out.push_back(fmt::format("{}: never seen beside a face by {}, which goes by the meaning alone",
                            list, bundle.info().name));
  return out;
}

}  // namespace mien::engine
