#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/status.h"
#include "mien/data/manifest.h"
#include "mien/eval/closed_set.h"
#include "mien/eval/outliers.h"
#include "mien/metrics/detection.h"
#include "mien/metrics/roc.h"

namespace mien::eval {

/// The classes that a model may know; samples of the others should be called unknown.
struct OpenSetSplit {
  std::vector<std::string> known;
  std::vector<std::string> unknown;
};

/// The splits of HESP by name: "afew", "mafw", "dfew", "ourdata", "multidata"; classes by name, in
/// rising order of their number there. Empty for any other name. Source: the released lists; which
/// of them the two mixed settings use is inferred.
std::vector<OpenSetSplit> hesp_splits(std::string_view list);
/// The names that hesp_splits knows.
std::vector<std::string_view> hesp_lists();

/// Indices in `classes` of classes by meaning ("angry" and "anger"). Errors: kInvalidArgument
/// naming a class that is missing or a duplicate.
Result<std::vector<std::size_t>> class_places(const std::vector<std::string>& names,
                                              const std::vector<std::string>& classes);

/// Number of samples of known and of unknown classes in a manifest (HESP's self-check).
struct OpenSetSizes {
  std::int64_t known = 0;
  std::int64_t unknown = 0;
};
/// Counts them. Classes are matched by meaning ("angry" and "anger"). Errors: kInvalidArgument
/// naming a class of the split that the data lacks.
Result<OpenSetSizes> open_set_sizes(const OpenSetSplit& split, const data::Manifest& manifest);

/// Scores for "this sample is of a known class".
enum class OpenSetScore {
  kMaxSoftmax,  ///< largest probability over the known classes
  kEnergy,      ///< log sum exp of the scaled cosines with them
  kMaxCosine,   ///< largest cosine
  kOutliers,    ///< energy of the cosines minus that of outlier words (our own)
  kMaxLogit,    ///< largest logit, with reciprocal points if the bundle has them (HESP)
};
/// All scores in the order of reports; kOutliers is used only with outlier words.
inline constexpr std::array<OpenSetScore, 5> kOpenSetScores{
    OpenSetScore::kMaxSoftmax, OpenSetScore::kEnergy, OpenSetScore::kMaxCosine,
    OpenSetScore::kMaxLogit, OpenSetScore::kOutliers};
/// "max_softmax", "energy", "max_cosine", "outlier_words", "max_logit".
std::string_view to_string(OpenSetScore score);

/// The figures of one score. Units: percent.
struct OpenSetFigures {
  double auroc = 0;         ///< ties count half
  double auroc_strict = 0;  ///< ties count nothing, as in the released code
  double fpr_at_95 = 0;     ///< unknown samples accepted where at least 95 % of the known are
  double oscr = 0;          ///< exact
  double oscr_code = 0;     ///< as in the released code
  metrics::DetectionRates code;
  metrics::Interval auroc_interval;  ///< 95 %, bootstrap of the known and of the unknown samples
  metrics::Interval oscr_interval;
};

/// The curves of one score.
struct OpenSetCurves {
  std::vector<metrics::RocPoint> roc;
  std::vector<metrics::RocPoint> oscr;
};

/// The result of one split.
struct OpenSetResult {
  OpenSetSplit split;
  OpenSetSizes sizes;
  double acc = 0;                  ///< closed set, of the known samples, percent
  metrics::Interval acc_interval;  ///< 95 %, bootstrap over the known samples
  metrics::ClassMean uar;
  metrics::Interval uar_interval;
  std::map<OpenSetScore, OpenSetFigures> scores;
  std::map<OpenSetScore, OpenSetCurves> curves;

  /// Everything above, for reports.
  Json to_json() const;
};

/// Figures of one split from predictions over all classes: probabilities and cosines are taken over
/// the known classes alone, as a model with those labels would give them. `scale`:
/// factor of the cosines before the softmax, for predictions without logits. `outliers`: the words
/// of Prediction::outliers; without them kOutliers is left out. Errors:
/// kInvalidArgument for a class of the split that `classes` lacks, predictions without cosines, or
/// when known or unknown samples are missing.
Result<OpenSetResult> open_set_result(const OpenSetSplit& split,
                                      const std::vector<std::string>& classes,
                                      const std::vector<Prediction>& predictions, double scale,
                                      const ClosedSetOptions& options = {},
                                      const OutlierWords& outliers = {});

/// Means over splits with the same number of known classes, as HESP averages them:
/// {"known_classes", "splits", "acc", "uar", "scores": {...}} each.
Json open_set_means(const std::vector<OpenSetResult>& results);

}  // namespace mien::eval
