#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "mien/engine/label_scorer.h"

namespace mien::eval {

/// How near the samples of every class are to every description.
struct DescriptorMap {
  std::vector<std::string> labels;           ///< label of every description
  std::vector<std::string> texts;            ///< the descriptions
  std::vector<std::vector<double>> cosines;  ///< [description][class]: mean; NaN: no sample

  bool empty() const { return cosines.empty(); }
};

/// Collects a DescriptorMap. Nothing is collected when every label has one description.
class DescriptorCounter {
 public:
  DescriptorCounter() = default;
  DescriptorCounter(const engine::LabelScorer& scorer, std::size_t classes);
  void add(const engine::LabelScorer& scorer, std::span<const float> embedding, std::size_t truth);
  DescriptorMap take() const;

 private:
  DescriptorMap sums_;
  std::vector<double> counts_;  ///< samples per class
};

}  // namespace mien::eval
