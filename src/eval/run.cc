#include "mien/eval/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "eval/clip_pass.h"
#include "mien/engine/label_scorer.h"
#include "mien/text/prompts.h"

namespace mien::eval {
namespace {

using Places = std::vector<std::optional<std::size_t>>;

// The probabilities of the classes only, without labels that match no class.
Prediction answer(const data::Sample& sample, const engine::LabelScorer& scorer,
                  const Places& indices, const engine::ClipReading& reading, double temperature) {
  constexpr double kNone = -std::numeric_limits<double>::infinity();
  Prediction out{.id = sample.id,
                 .truth = static_cast<std::size_t>(sample.labels.front()),
                 .probabilities = {}};
  std::vector<double> of_label(scorer.names().size()), cosines(scorer.names().size());
  const engine::Scores scores = scorer.score(reading.embedding, reading.length);
  for (const engine::LabelScore& score : scores.labels) {
    const auto index = std::find(scorer.names().begin(), scorer.names().end(), score.label);
    const auto label = static_cast<std::size_t>(index - scorer.names().begin());
    of_label[label] = static_cast<double>(score.probability);
    cosines[label] = static_cast<double>(score.cosine);
  }
  double sum = 0;
  for (const auto& index : indices) {
    out.cosines.push_back(index ? cosines[*index] : kNone);
    out.logits.push_back(index ? scores.logits[*index] / temperature : kNone);
    sum += index ? of_label[*index] : 0;
  }
  for (const auto& index : indices) {
    out.probabilities.push_back(sum > 0 ? (index ? of_label[*index] / sum : 0)
                                        : 1.0 / static_cast<double>(indices.size()));
  }
  return out;
}

}  // namespace

Result<RunResult> run_zero_shot(const std::shared_ptr<const engine::Bundle>& bundle,
                                const data::Manifest& manifest, const text::LabelSet& labels,
                                const RunOptions& options) {
  RunResult out{.classes = manifest.classes};
  ClipPass pass(*bundle, manifest, options);
  if (!options.some_classes) {
    MIEN_RETURN_IF_ERROR(match_labels(labels, manifest.classes).status());
  }
  const Places indices = find_labels(labels, manifest.classes);
  MIEN_ASSIGN_OR_RETURN(
      const auto scorer,
      engine::LabelScorer::make(
          *bundle, labels, {.reduce = options.reduce, .compound = options.compound}, pass.session));
  MIEN_RETURN_IF_ERROR(pass.prepare(*bundle));
  if (!options.outliers.labels.empty()) {
    MIEN_ASSIGN_OR_RETURN(
        out.outliers, encode_outliers(*bundle, options.outliers, *scorer, indices, pass.session));
  }
  DescriptorCounter descriptors(*scorer, manifest.classes.size());
  MIEN_RETURN_IF_ERROR(pass.run(
      [&](const data::Sample& sample) {
        const bool one = sample.labels.size() == 1;
        if (!one) ++out.compound;
        return one;
      },
      [&](const data::Sample& sample, const engine::ClipReading& reading) {
        descriptors.add(*scorer, reading.embedding,
                        static_cast<std::size_t>(sample.labels.front()));
        out.predictions.push_back(
            answer(sample, *scorer, indices, reading, bundle->info().temperature));
        out.predictions.back().outliers = out.outliers.cosines(reading.embedding);
      }));
  out.unreadable = std::move(pass.unreadable);
  out.without_face = pass.without_face;
  out.descriptors = descriptors.take();
  if (out.predictions.empty()) {
    return out.unreadable.empty()
               ? invalid_argument(manifest.name + ": has no sample with a single label")
               : corrupt(out.unreadable.front());
  }
  return out;
}

namespace {

// nullptr: none.
const text::Label* find_label(const text::LabelSet& labels, std::string_view name) {
  const std::string_view meaning = text::builtin_label_of(name);
  const auto it =
      std::find_if(labels.labels.begin(), labels.labels.end(), [&](const text::Label& label) {
        return label.name == name ||
               (!meaning.empty() && text::builtin_label_of(label.name) == meaning);
      });
  return it == labels.labels.end() ? nullptr : &*it;
}

}  // namespace

std::vector<std::optional<std::size_t>> find_labels(const text::LabelSet& labels,
                                                    const std::vector<std::string>& classes) {
  std::vector<std::optional<std::size_t>> out;
  for (const std::string& name : classes) {
    const text::Label* label = find_label(labels, name);
    out.push_back(label == nullptr
                      ? std::nullopt
                      : std::optional(static_cast<std::size_t>(label - labels.labels.data())));
  }
  return out;
}

Result<std::vector<std::size_t>> match_labels(const text::LabelSet& labels,
                                              const std::vector<std::string>& classes) {
  std::vector<std::size_t> out;
  for (const std::string& name : classes) {
    const text::Label* label = find_label(labels, name);
    if (label == nullptr) {
      std::vector<std::string> known;
      for (const text::Label& other : labels.labels) known.push_back(other.name);
      return invalid_argument(
          fmt::format("class '{}': has no label (labels: {})", name, fmt::join(known, ", ")));
    }
    out.push_back(static_cast<std::size_t>(label - labels.labels.data()));
  }
  return out;
}

text::LabelSet with_compounds(text::LabelSet labels, const std::vector<std::string>& classes) {
  std::vector<text::Label> compounds;
  for (const std::string& name : classes) {
    if (name.find('+') == std::string::npos || find_label(labels, name) != nullptr) continue;
    text::Label compound{.name = name, .texts = {}, .parts = {}};
    bool whole = true;
    for (std::size_t at = 0; at <= name.size();) {
      const std::size_t end = std::min(name.find('+', at), name.size());
      const text::Label* part = find_label(labels, std::string_view(name).substr(at, end - at));
      whole = whole && part != nullptr && part->parts.empty();
      if (whole) compound.parts.push_back(*part);
      at = end + 1;
    }
    if (whole) compounds.push_back(std::move(compound));
  }
  labels.labels.insert(labels.labels.end(), compounds.begin(), compounds.end());
  return labels;
}

}  // namespace mien::eval
