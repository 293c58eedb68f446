#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/wordnet.h"
#include "methods/compact/options.h"
#include "mien/core/rng.h"
#include "text/words.h"

namespace mien::methods {

/// Two texts per row that mean the same.
struct TextPairs {
  torch::Tensor first;   ///< [pairs, L] ids
  torch::Tensor second;  ///< [pairs, L] ids
};

/// Shape: texts as ids [texts, longest], zero padded; cut to `context`.
torch::Tensor pad_ids(const std::vector<std::vector<std::int32_t>>& rows, int context);

/// Draws pairs of word and gloss from WordNet so that words that are easily confused (antonyms, and
/// siblings below one hypernym) are in one batch.
class GlossPairs {
 public:
  static Result<std::unique_ptr<GlossPairs>> make(std::vector<data::Synset> synsets,
                                                  std::shared_ptr<const text::WordTokenizer> words,
                                                  const GlossTraining& options, int context);

  std::int64_t training_senses() const { return static_cast<std::int64_t>(all_.size()); }
  /// A training batch; no word is the first of two pairs.
  TextPairs draw(std::int64_t count, Rng& rng) const;
  /// Word and gloss of held-out senses.
  const TextPairs& held_out() const { return held_out_; }

 private:
  using Ids = std::vector<std::int32_t>;

  std::int64_t draw_sense(Rng& rng) const;
  std::int64_t draw_rival(std::int64_t sense, Rng& rng) const;
  const std::string& draw_word(std::int64_t sense, Rng& rng) const;
  Ids encode(const std::string& text, double spelling, Rng& rng) const;

  std::vector<data::Synset> synsets_;
  std::shared_ptr<const text::WordTokenizer> words_;
  GlossTraining options_;
  int context_ = 0;
  std::vector<bool> held_;
  std::vector<std::int64_t> all_, topics_, adjectives_;  ///< training senses
  std::vector<std::vector<std::int64_t>> children_;
  TextPairs held_out_;
};

}  // namespace mien::methods
