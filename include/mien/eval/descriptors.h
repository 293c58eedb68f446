#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mien/engine/label_scorer.h"

namespace mien::eval {

/// The mean cosine of the samples of each class with each description.
struct DescriptorMap {
  std::vector<std::string> labels;           ///< label of each description
  std::vector<std::string> texts;            ///< the descriptions
  std::vector<std::vector<double>> cosines;  ///< [description][class]: mean; NaN: no samples

  /// True when nothing was collected.
  bool empty() const { return cosines.empty(); }
};

/// Collects a DescriptorMap; nothing when every label has one description.
/// Threads: not thread-safe.
class DescriptorCounter {
 public:
  DescriptorCounter() = default;
  DescriptorCounter(const engine::LabelScorer& scorer, std::size_t classes);
  /// Adds a sample. Preconditions: the scorer given at construction, a unit embedding, `truth`
  /// below the number of classes.
  void add(const engine::LabelScorer& scorer, std::span<const float> embedding, std::size_t truth);
  /// The means so far.
  DescriptorMap take() const;

 private:
  DescriptorMap sums_;
  std::vector<double> counts_;  ///< samples per class
};

}  // namespace mien::eval
