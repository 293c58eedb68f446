#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mien/engine/bundle.h"
#include "mien/engine/reciprocal.h"
#include "mien/engine/reference.h"
#include "mien/engine/result.h"

namespace mien::engine {

/// How the parts of a compound label become one embedding. EmoCLIP's paper says "average" and
/// leaves open which; with Reduce::kMeanEmbedding only.
enum class Compound {
  kUnitMean,  ///< mean of the parts' unit embeddings, renormalised
  kRawMean,  ///< mean of the parts' embeddings as the text tower gives them (long ones count more),
             ///< then normalised; a part is the mean of its texts
};

struct UnknownChoice {
  enum class Mode { kOff, kAuto, kValue } mode = Mode::kAuto;
  double value = 0;
};

/// Whether a chosen threshold lies where values of the rule can lie: 0 to 1 for probabilities, -1
/// to 1 for cosines, anywhere for the others. `labels`: those that are asked for. Errors:
/// kInvalidArgument with the range.
Status check_unknown(const UnknownChoice& choice, const BundleInfo& bundle,
                     const text::LabelSet& labels);

struct ScorerOptions {
  std::optional<Reduce> reduce = {};  ///< none: as the bundle says
  Compound compound = Compound::kUnitMean;
  UnknownChoice unknown = {};
  bool explain = false;
};

/// The answer for one embedding.
struct Scores {
  std::vector<LabelScore> labels;  ///< best first; equal scores keep the order of the label set
  bool unknown = false;
  std::vector<double> logits;   ///< in the order of names(), before the temperature
  std::vector<Reason> reasons;  ///< with `explain`: every description, best first
};

/// Compares unit image embeddings with the text embeddings of a label set, and for a bundle's own
/// labels with its reciprocal points when it has some: the logit is then the weighted sum of both.
/// A threshold that was fitted with such points does not hold for other labels: `auto` is off then.
/// One label is a yes/no question: it is answered beside its absence, "not X". With a reference in
/// the bundle its probability is that of the standardised cosine, and `auto` calls a face unknown
/// that none of the labels fits (docs/reference/bundle.md, "reference"). Without a reference, but
/// with a text tower, one label competes with the labels of basic7 that do not mean the same.
/// Immutable; safe from several threads.
class LabelScorer {
 public:
  /// Encodes the texts of `labels` (or takes the stored features when `labels` are the bundle's
  /// own). Compound labels in raw means are always encoded: stored features are of unit length.
  /// Errors: kUnsupported for free labels without a text tower; kInvalidArgument for an empty set,
  /// or raw means with another reduction than kMeanEmbedding.
  static Result<std::shared_ptr<const LabelScorer>> make(const Bundle& bundle,
                                                         const text::LabelSet& labels,
                                                         const ScorerOptions& options,
                                                         Session& session);

  /// Of the labels; of a yes/no question the label and "not" with the label.
  const std::vector<std::string>& names() const { return names_; }
  /// names() of a scorer for these labels, before there is one.
  static std::vector<std::string> names_of(const Bundle& bundle, const text::LabelSet& labels);
  /// Every description with the place of its label, in the order of text_cosines().
  struct Text {
    std::size_t label;
    std::string text;
    std::vector<std::vector<std::string>> near = {};  ///< words per learned token
  };
  const std::vector<Text>& texts() const { return texts_; }
  /// Precondition: embedding has bundle embed width and unit length.
  std::vector<float> text_cosines(std::span<const float> embedding) const;
  /// Of the labels, in their order, without an absence. Precondition: as score.
  std::vector<double> cosines(std::span<const float> embedding) const;
  std::optional<double> unknown_threshold() const { return threshold_; }
  /// How far a face is from being unknown by the bundle's reference: below zero it is. Nothing
  /// without a reference, or when the labels have a rule of their own.
  std::optional<double> known_score(std::span<const float> embedding) const;

  /// `length`: of the embedding before it was normalised, which counts for bundles with reciprocal
  /// points and their own labels only. Precondition: embedding has bundle embed width and unit
  /// length.
  Scores score(std::span<const float> embedding, double length = 1) const;

 private:
  LabelScorer() = default;
  Status encode(const Bundle& bundle, const text::LabelSet& labels, Session& session);
  Status encode_contrasts(const Bundle& bundle, const text::LabelSet& labels, Session& session);
  void fit_reference();
  Scores compare(std::span<const float> embedding, double length) const;
  Scores answer_yes_or_no(std::span<const float> embedding) const;
  void explain(std::span<const float> embedding, Scores& out) const;
  bool is_unknown(const Scores& scores, std::span<const double> distances) const;
  float label_cosine(std::size_t label, std::span<const float> embedding) const;

  std::vector<std::string> names_;
  std::size_t embed_ = 0;
  std::vector<float> label_rows_;  // [labels, embed]
  std::vector<float> text_rows_;   // [texts, embed]
  std::vector<Text> texts_;
  ScorerOptions options_;
  Reduce reduce_ = Reduce::kMeanEmbedding;
  UnknownRule::Kind rule_ = UnknownRule::Kind::kMaxProbability;
  std::optional<double> threshold_;
  double logit_scale_ = 100.0;
  double temperature_ = 1.0;
  std::shared_ptr<const ReciprocalDistance> reciprocal_;  // for the bundle's own labels
  std::shared_ptr<const Reference> reference_;            // when its rule holds
  LabelFit fit_;
  bool yes_or_no_ = false;            // the second of two names is the absence
  std::vector<float> contrast_rows_;  // of a question without a reference
};

/// What is doubtful about the words of labels that are not the bundle's own, one message each:
/// those of text::word_notes, and with a reference the words that were never beside a face. Errors:
/// those of word_notes and Bundle::tokenizer.
Result<std::vector<std::string>> label_notes(const Bundle& bundle, const text::LabelSet& labels);

/// Unit text embeddings, shape [texts, embed]. Errors: as Bundle::text_encoder and tokenizer.
Result<Tensor> encode_texts(const Bundle& bundle, std::span<const std::string> texts,
                            Session& session);
/// The same as the text tower gives them, not normalised.
Result<Tensor> encode_texts_raw(const Bundle& bundle, std::span<const std::string> texts,
                                Session& session);
/// The embedding of one label: the mean of its texts, or of its parts, of unit length.
/// Shape: rows [texts of the label and then of its parts, embed] -> [embed]. Units: kUnitMean wants
/// unit rows.
std::vector<float> combine_texts(const text::Label& label, const float* rows, std::size_t embed,
                                 Compound compound);

/// The features that a bundle stores for its own labels: encode_texts of all of them in order.
Result<Tensor> encode_label_features(const Bundle& bundle, const std::vector<text::Label>& labels,
                                     Session& session);

}  // namespace mien::engine
