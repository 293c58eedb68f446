#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mien/core/status.h"

namespace mien::data {

/// A sense of WordNet: words that share it, and what they mean.
struct Synset {
  char part = 'n';  ///< n, v, a (adjective) or r (adverb)
  int topic = 0;    ///< number of WordNet's lexicographer file: 12 feelings, 37 verbs of emotion
  std::vector<std::string> words = {};      ///< with spaces in phrases
  std::string gloss = {};                   ///< the definition without its examples
  std::vector<std::int64_t> antonyms = {};  ///< indices of senses that one of the words opposes
  std::vector<std::int64_t> parents = {};   ///< indices of hypernyms
  std::vector<std::int64_t> similar = {};   ///< indices of similar adjectives
};

/// Reads data.noun, data.verb, data.adj and data.adv of WordNet 3 from a folder.
/// Errors: kNotFound, kIo; kCorrupt naming file and line.
Result<std::vector<Synset>> load_wordnet(const std::filesystem::path& folder);

}  // namespace mien::data
