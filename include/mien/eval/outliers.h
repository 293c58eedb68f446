#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/text/labels.h"

namespace mien::eval {

/// Dictionary words for expressions that samples are compared with in addition to the classes: an
/// unseen expression is nearer to some of them than to a known class.
struct OutlierWords {
  std::vector<std::string> words = {};
  std::vector<std::vector<double>> similarity = {};  ///< [words][classes] cosines of the texts
  std::vector<float> rows = {};                      ///< [words, embed], unit

  /// No words were given.
  bool empty() const { return words.empty(); }
  /// Shape: unit [embed] -> cosines [words].
  std::vector<double> cosines(std::span<const float> unit) const;
};

/// 66 common words for how a face may look ("bored", "proud", ...), separated by commas.
std::string_view expression_words();

/// Encodes `words`. `classes`: the index of the label of each class in `scorer`, or none, which
/// makes the similarity -1. Errors: kUnsupported without a text tower.
Result<OutlierWords> encode_outliers(const engine::Bundle& bundle, const text::LabelSet& words,
                                     const engine::LabelScorer& scorer,
                                     std::span<const std::optional<std::size_t>> classes,
                                     engine::Session& session);

/// Indices of the words that may represent unknown expressions when these classes are known: the
/// half that is least similar to its most similar known class. At least one.
std::vector<std::size_t> choose_outliers(const OutlierWords& words,
                                         std::span<const std::size_t> known);

/// Log sum exp of the scaled cosines with the known classes minus that with the chosen words.
/// Higher means more certainly known.
double outlier_score(std::span<const double> known_logits, std::span<const double> outlier_cosines,
                     std::span<const std::size_t> chosen, double scale);

}  // namespace mien::eval
