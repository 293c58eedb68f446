#include "methods/compact/gloss_pairs.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace mien::methods {
namespace {

constexpr int kFeelings = 12;  // WordNet's noun.feeling
constexpr int kEmotions = 37;  // and verb.emotion
constexpr std::size_t kMostHeld = 1000;

template <class T>
const T& any_of(const std::vector<T>& items, Rng& rng) {
  return items[static_cast<std::size_t>(rng.below(items.size()))];
}

}  // namespace

torch::Tensor pad_ids(const std::vector<std::vector<std::int32_t>>& rows, int context) {
  std::size_t longest = 1;
  for (const auto& row : rows) longest = std::max(longest, row.size());
  longest = std::min(longest, static_cast<std::size_t>(context));
  torch::Tensor out = torch::zeros(
      {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(longest)}, torch::kInt64);
  auto* values = out.data_ptr<std::int64_t>();
  for (const auto& row : rows) {
    std::copy_n(row.begin(), std::min(longest, row.size()), values);
    values += longest;
  }
  return out;
}

Result<std::unique_ptr<GlossPairs>> GlossPairs::make(
    std::vector<data::Synset> synsets, std::shared_ptr<const text::WordTokenizer> words,
    const GlossTraining& options, int context) {
  std::unique_ptr<GlossPairs> out(new GlossPairs());
  out->synsets_ = std::move(synsets);
  out->words_ = std::move(words);
  out->options_ = options;
  out->context_ = context;
  out->held_.resize(out->synsets_.size());
  out->children_.resize(out->synsets_.size());
  Rng rng(7);  // the test senses are the same in every run
  std::vector<Ids> first, second;
  for (std::size_t i = 0; i < out->synsets_.size(); ++i) {
    const data::Synset& synset = out->synsets_[i];
    if (synset.gloss.empty()) continue;
    const auto place = static_cast<std::int64_t>(i);
    if (rng.uniform() < options.held_out) {
      out->held_[i] = true;
      if (first.size() < kMostHeld) {
        first.push_back(out->encode(synset.words.front(), 0, rng));
        second.push_back(out->encode(synset.gloss, 0, rng));
      }
      continue;
    }
    out->all_.push_back(place);
    if (synset.topic == kFeelings || synset.topic == kEmotions) out->topics_.push_back(place);
    if (synset.part == 'a') out->adjectives_.push_back(place);
    for (const std::int64_t parent : synset.parents) {
      out->children_[static_cast<std::size_t>(parent)].push_back(place);
    }
  }
  if (out->all_.empty() || out->topics_.empty() || out->adjectives_.empty()) {
    return invalid_argument("WordNet: has no senses of feelings or no adjectives");
  }
  out->held_out_ = {pad_ids(first, context), pad_ids(second, context)};
  return out;
}

std::int64_t GlossPairs::draw_sense(Rng& rng) const {
  const double where = rng.uniform();
  if (where < options_.topics) return any_of(topics_, rng);
  if (where < options_.topics + options_.adjectives) return any_of(adjectives_, rng);
  return any_of(all_, rng);
}

// An antonym, or a sibling, or any sense.
std::int64_t GlossPairs::draw_rival(std::int64_t sense, Rng& rng) const {
  const data::Synset& synset = synsets_[static_cast<std::size_t>(sense)];
  const std::vector<std::int64_t>* from = nullptr;
  if (!synset.antonyms.empty()) {
    from = &synset.antonyms;
  } else if (!synset.parents.empty()) {
    from = &children_[static_cast<std::size_t>(any_of(synset.parents, rng))];
  } else if (!synset.similar.empty()) {
    // An adjective has the antonyms of its head adjective.
    const data::Synset& head = synsets_[static_cast<std::size_t>(synset.similar.front())];
    if (!head.antonyms.empty()) from = &head.antonyms;
  }
  const std::int64_t rival =
      from == nullptr || from->empty() ? draw_sense(rng) : any_of(*from, rng);
  const auto place = static_cast<std::size_t>(rival);
  return held_[place] || synsets_[place].gloss.empty() ? draw_sense(rng) : rival;
}

const std::string& GlossPairs::draw_word(std::int64_t sense, Rng& rng) const {
  return any_of(synsets_[static_cast<std::size_t>(sense)].words, rng);
}

GlossPairs::Ids GlossPairs::encode(const std::string& text, double spelling, Rng& rng) const {
  const auto ids = words_->encode(text);
  if (!ids.ok()) return {};
  if (spelling == 0) return *ids;
  Ids out;
  for (const std::int32_t id : *ids) {
    if (rng.uniform() < spelling && id <= words_->words()) {
      const Ids letters = words_->spell(words_->word(id));
      out.insert(out.end(), letters.begin(), letters.end());
    } else {
      out.push_back(id);
    }
  }
  return out;
}

TextPairs GlossPairs::draw(std::int64_t count, Rng& rng) const {
  std::vector<Ids> first, second;
  std::set<std::string, std::less<>> used;
  std::int64_t anchor = -1;
  while (static_cast<std::int64_t>(first.size()) < count) {
    const std::int64_t sense = anchor < 0 ? draw_sense(rng) : draw_rival(anchor, rng);
    anchor = anchor < 0 ? sense : -1;
    const data::Synset& synset = synsets_[static_cast<std::size_t>(sense)];
    const std::string& word = draw_word(sense, rng);
    if (!used.insert(word).second) continue;
    const std::string* other = &synset.gloss;
    if (rng.uniform() < options_.synonyms) {
      // Another word of the sense, or of a similar one.
      const bool near = !synset.similar.empty() && (synset.words.size() < 2 || rng.below(2) == 0);
      const std::int64_t from = near ? any_of(synset.similar, rng) : sense;
      const std::string& synonym = draw_word(from, rng);
      if (synonym != word) other = &synonym;
    }
    first.push_back(encode(word, options_.spelling, rng));
    second.push_back(encode(*other, options_.spelling, rng));
  }
  return {pad_ids(first, context_), pad_ids(second, context_)};
}

}  // namespace mien::methods
