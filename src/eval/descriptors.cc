#include "mien/eval/descriptors.h"

#include <limits>

namespace mien::eval {

DescriptorCounter::DescriptorCounter(const engine::LabelScorer& scorer, std::size_t classes) {
  if (scorer.texts().size() == scorer.names().size()) return;
  for (const engine::LabelScorer::Text& text : scorer.texts()) {
    sums_.labels.push_back(scorer.names()[text.label]);
    sums_.texts.push_back(text.text);
    sums_.cosines.emplace_back(classes, 0.0);
  }
  counts_.assign(classes, 0.0);
}

void DescriptorCounter::add(const engine::LabelScorer& scorer, std::span<const float> embedding,
                            std::size_t truth) {
  if (sums_.empty()) return;
  const std::vector<float> cosines = scorer.text_cosines(embedding);
  for (std::size_t t = 0; t < cosines.size(); ++t) {
    sums_.cosines[t][truth] += static_cast<double>(cosines[t]);
  }
  ++counts_[truth];
}

DescriptorMap DescriptorCounter::take() const {
  DescriptorMap out = sums_;
  for (std::vector<double>& row : out.cosines) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      row[c] = counts_[c] > 0 ? row[c] / counts_[c] : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return out;
}

}  // namespace mien::eval
