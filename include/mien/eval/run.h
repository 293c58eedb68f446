#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mien/data/manifest.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/eval/closed_set.h"
#include "mien/eval/descriptors.h"
#include "mien/eval/outliers.h"
#include "mien/face/finder.h"
#include "mien/image/image.h"
#include "mien/text/labels.h"

namespace mien::eval {

struct RunOptions {
  face::FinderOptions finder = {};  ///< `whole`: the pictures are faces already
  engine::Compound compound = engine::Compound::kUnitMean;  ///< of labels with parts
  std::optional<engine::Reduce> reduce = {};  ///< of several texts per label; none: as the bundle
  double max_bad_share = 0.01;                ///< of the samples that may be unreadable
  /// Classes may lack a label: their probability is 0, cosine and logit are minus infinity.
  bool some_classes = false;
  text::LabelSet outliers = {};  ///< words to compare every sample with besides (open set)
  /// Spoils a decoded picture before a face is looked for; empty: none. `name` is its name in the
  /// data.
  std::function<Result<image::Image>(const image::Image& picture, const std::string& name)> alter =
      {};
  Limits limits = {};
  std::function<void(std::int64_t done)> progress = {};
  const std::atomic<bool>* cancel = nullptr;
};

/// What a bundle said of the samples of a manifest.
struct RunResult {
  std::vector<std::string> classes;  ///< of the manifest, in its order
  std::vector<Prediction> predictions = {};
  std::vector<std::string> unreadable = {};  ///< one message per sample that was left out
  std::int64_t without_face = 0;             ///< samples read whole, since no face was found
  std::int64_t compound = 0;                 ///< samples with several labels, left out
                                             ///< (data::compound_classes makes classes of them)
  OutlierWords outliers = {};                ///< of RunOptions::outliers
  DescriptorMap descriptors = {};            ///< empty when every label has one description
};

/// Scores every sample: unit embedding of its sampled frames (engine::ClipReader: by the temporal
/// model, or their mean), cosine with every label, softmax over the labels of the classes. The
/// largest face of a frame counts; pictures without a found face are read whole. Errors: those of
/// match_labels and of the bundle; kCorrupt when more samples than allowed are unreadable;
/// kCancelled.
Result<RunResult> run_zero_shot(const std::shared_ptr<const engine::Bundle>& bundle,
                                const data::Manifest& manifest, const text::LabelSet& labels,
                                const RunOptions& options = {});

/// For every class the place of its label: the one of the same name, or another name of the same
/// expression ("anger", "angry"). Errors: kInvalidArgument naming a class that has none.
Result<std::vector<std::size_t>> match_labels(const text::LabelSet& labels,
                                              const std::vector<std::string>& classes);

/// The same, nothing for a class that has none.
std::vector<std::optional<std::size_t>> find_labels(const text::LabelSet& labels,
                                                    const std::vector<std::string>& classes);

/// `labels`, and a compound of its labels for every class `a+b` that has none and whose parts all
/// have one (data::compound_classes).
text::LabelSet with_compounds(text::LabelSet labels, const std::vector<std::string>& classes);

}  // namespace mien::eval
