// Dictionary words stand in for unknown expressions. The method is ours; the idea that words which
// name no class help a vision-language model to detect unknown samples is that of negative labels
// (arXiv 2403.20078).
#include "mien/eval/outliers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "mien/core/check.h"
#include "mien/text/prompts.h"

namespace mien::eval {
namespace {

double log_sum_exp(std::span<const double> values) {
  const double best = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += std::exp(value - best);
  return best + std::log(sum);
}

std::size_t texts_of(const text::Label& label) {
  std::size_t out = label.texts.size();
  for (const text::Label& part : label.parts) out += part.texts.size();
  return out;
}

}  // namespace

std::string_view expression_words() { return text::expression_words(); }

std::vector<double> OutlierWords::cosines(std::span<const float> unit) const {
  std::vector<double> out;
  for (std::size_t w = 0; w < words.size(); ++w) {
    const float* row = rows.data() + w * unit.size();
    double sum = 0;
    for (std::size_t i = 0; i < unit.size(); ++i) {
      sum += static_cast<double>(row[i]) * static_cast<double>(unit[i]);
    }
    out.push_back(sum);
  }
  return out;
}

Result<OutlierWords> encode_outliers(const engine::Bundle& bundle, const text::LabelSet& words,
                                     const engine::LabelScorer& scorer,
                                     std::span<const std::optional<std::size_t>> classes,
                                     engine::Session& session) {
  MIEN_ASSIGN_OR_RETURN(const Tensor features,
                        engine::encode_label_features(bundle, words.labels, session));
  const auto width = static_cast<std::size_t>(features.dim(1));
  OutlierWords out;
  const float* texts = features.f32().data();  // of every label, and then of its parts
  for (std::size_t w = 0; w < words.labels.size(); ++w) {
    const text::Label& word = words.labels[w];
    const std::vector<float> mean =
        engine::combine_texts(word, texts, width, engine::Compound::kUnitMean);
    out.rows.insert(out.rows.end(), mean.begin(), mean.end());
    texts += width * texts_of(word);
    out.words.push_back(words.labels[w].name);
    const auto row = std::span<const float>(out.rows).subspan(w * width, width);
    const engine::Scores said = scorer.score(row);
    std::vector<double>& similar = out.similarity.emplace_back();
    for (const auto& index : classes) {
      double cosine = -1;
      for (const engine::LabelScore& label : said.labels) {
        if (index && label.label == scorer.names()[*index]) {
          cosine = static_cast<double>(label.cosine);
        }
      }
      similar.push_back(cosine);
    }
  }
  return out;
}

std::vector<std::size_t> choose_outliers(const OutlierWords& words,
                                         std::span<const std::size_t> known) {
  MIEN_CHECK(!words.empty());
  std::vector<double> nearest;
  for (const std::vector<double>& row : words.similarity) {
    double best = -std::numeric_limits<double>::infinity();
    for (const std::size_t k : known) best = std::max(best, row[k]);
    nearest.push_back(best);
  }
  std::vector<std::size_t> out(words.words.size());
  std::iota(out.begin(), out.end(), 0U);
  std::stable_sort(out.begin(), out.end(),
                   [&](std::size_t a, std::size_t b) { return nearest[a] < nearest[b]; });
  out.resize((out.size() + 1) / 2);
  return out;
}

double outlier_score(std::span<const double> known_logits, std::span<const double> outlier_cosines,
                     std::span<const std::size_t> chosen, double scale) {
  std::vector<double> others;
  for (const std::size_t w : chosen) others.push_back(scale * outlier_cosines[w]);
  return log_sum_exp(known_logits) - log_sum_exp(others);
}

}  // namespace mien::eval
