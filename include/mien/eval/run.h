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

/// How a data set is evaluated.
struct RunOptions {
  face::FinderOptions finder = {};                          ///< kWhole: the pictures are face crops
  engine::Compound compound = engine::Compound::kUnitMean;  ///< of labels with parts
  std::optional<engine::Reduce> reduce = {};  ///< of several texts per label; none: the bundle's
  double max_bad_share = 0.01;                ///< largest share of unreadable samples
  /// Classes may lack a label: their probability is 0, cosine and logit are minus infinity.
  bool some_classes = false;
  text::LabelSet outliers = {};  ///< words to compare every sample with as well (open set)
  /// Corrupts a decoded picture before faces are searched; empty: none. `name`: of the picture in
  /// the data.
  std::function<Result<image::Image>(const image::Image& picture, const std::string& name)> alter =
      {};
  Limits limits = {};
  std::function<void(std::int64_t done)> progress = {};
  const std::atomic<bool>* cancel = nullptr;
};

/// The predictions of a bundle for the samples of a manifest.
struct RunResult {
  std::vector<std::string> classes;  ///< of the manifest, in its order
  std::vector<Prediction> predictions = {};
  std::vector<std::string> unreadable = {};  ///< one message per sample that was left out
  std::int64_t without_face = 0;             ///< samples read whole because no face was found
  std::int64_t compound = 0;                 ///< samples with several labels, left out
                                             ///< (data::compound_classes makes classes of them)
  OutlierWords outliers = {};                ///< of RunOptions::outliers
  DescriptorMap descriptors = {};            ///< empty when every label has one description
};

/// Scores every sample: unit embedding of its sampled frames (engine::ClipReader: by the temporal
/// model, or their mean), cosine with every label, softmax over the labels of the classes. The
/// largest face of a frame counts; a picture in which no face is found is read whole. Errors: those
/// of match_labels and of the bundle; kCorrupt when more samples than allowed are unreadable;
/// kCancelled.
Result<RunResult> run_zero_shot(const std::shared_ptr<const engine::Bundle>& bundle,
                                const data::Manifest& manifest, const text::LabelSet& labels,
                                const RunOptions& options = {});

/// The index of the label of each class: of the same name, or a synonym ("anger", "angry").
/// Errors: kInvalidArgument naming a class without a label.
Result<std::vector<std::size_t>> match_labels(const text::LabelSet& labels,
                                              const std::vector<std::string>& classes);

/// The same; nullopt for a class without a label.
std::vector<std::optional<std::size_t>> find_labels(const text::LabelSet& labels,
                                                    const std::vector<std::string>& classes);

/// `labels`, and a compound of its labels for each class `a+b` that has no label itself but whose
/// parts all do (data::compound_classes).
text::LabelSet with_compounds(text::LabelSet labels, const std::vector<std::string>& classes);

}  // namespace mien::eval
