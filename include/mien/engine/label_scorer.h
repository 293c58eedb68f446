#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mien/engine/bundle.h"
#include "mien/engine/reference.h"
#include "mien/engine/result.h"

namespace mien::engine {

class ReciprocalDistance;

/// How the parts of a compound label become one embedding. EmoCLIP's paper says "average" without
/// saying of what. Only with Reduce::kMeanEmbedding.
enum class Compound {
  kUnitMean,  ///< mean of the parts' unit embeddings, renormalised
  kRawMean,   ///< mean of the parts' embeddings before normalisation (longer ones count more), then
              ///< normalised; a part is the mean of its texts
};

/// When to answer "unknown": never, as the bundle says, or below a given value of its rule.
struct UnknownChoice {
  /// kAuto: the bundle's rule and threshold; kValue: its rule with `value`.
  enum class Mode { kOff, kAuto, kValue } mode = Mode::kAuto;
  double value = 0;
};

/// Reads "off", "auto" or a number. Errors: kInvalidArgument.
Result<UnknownChoice> parse_unknown_choice(std::string_view text);

/// Checks that a chosen threshold is in the range of the rule: 0 to 1 for probabilities, -1 to 1
/// for cosines, any number for the others. `labels`: the labels to be scored. Errors:
/// kInvalidArgument naming the range.
Status check_unknown(const UnknownChoice& choice, const BundleInfo& bundle,
                     const text::LabelSet& labels);

/// How labels are scored.
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

/// Compares unit image embeddings with the text embeddings of a label set. For a bundle's own
/// labels the logit is a weighted sum with the distances from the reciprocal points, if the bundle
/// has them; a threshold fitted with such points does not apply to other labels, so `auto` is then
/// off. A single label is a yes/no question: the answers are the label and its absence, "not X".
/// With a reference in the bundle, its probability is that of the standardised cosine, and `auto`
/// calls a face unknown that no label fits (docs/reference/bundle.md, "reference"). Without a
/// reference but with a text tower, the label competes with the labels of basic7 that mean
/// something else. Threads: immutable; safe from several threads.
class LabelScorer {
 public:
  /// Encodes the texts of `labels` (or takes the stored features when `labels` are the bundle's
  /// own). Compound labels with Compound::kRawMean are always encoded, because stored features are
  /// normalised.
  /// Errors: kUnsupported for free labels without a text tower; kInvalidArgument for an empty set,
  /// or kRawMean with a reduction other than kMeanEmbedding.
  static Result<std::shared_ptr<const LabelScorer>> make(const Bundle& bundle,
                                                         const text::LabelSet& labels,
                                                         const ScorerOptions& options,
                                                         Session& session);

  /// Names of the labels; for a yes/no question the label and "not" with the label.
  const std::vector<std::string>& names() const { return names_; }
  /// names() of a scorer for these labels, without making one.
  static std::vector<std::string> names_of(const Bundle& bundle, const text::LabelSet& labels);
  /// A description with the index of its label.
  struct Text {
    std::size_t label;
    std::string text;
    std::vector<std::vector<std::string>> near = {};  ///< words per learned token
  };
  /// Every description, in the order of text_cosines().
  const std::vector<Text>& texts() const { return texts_; }
  /// The cosine with every description.
  /// Precondition: embedding has bundle embed width and unit length.
  std::vector<float> text_cosines(std::span<const float> embedding) const;
  /// The cosine with every label in order, without the absence of a yes/no question.
  /// Precondition: as score.
  std::vector<double> cosines(std::span<const float> embedding) const;
  /// The threshold of the rule; none: the rule calls nothing unknown. With Mode::kAuto and a
  /// reference in the bundle, the reference decides instead.
  std::optional<double> unknown_threshold() const { return threshold_; }
  /// The margin by which a face is known according to the bundle's reference; below zero: unknown.
  /// None without a reference, or when the labels have a rule of their own.
  std::optional<double> known_score(std::span<const float> embedding) const;

  /// The answer. `length`: of the embedding before normalisation, used only with reciprocal points
  /// and the bundle's own labels. Precondition: embedding has bundle embed width and unit
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

/// Doubts about the words of labels that are not the bundle's own, one message each: those of
/// text::word_notes and, with a reference, words that no training face was described with. Errors:
/// those of word_notes and Bundle::tokenizer.
Result<std::vector<std::string>> label_notes(const Bundle& bundle, const text::LabelSet& labels);

/// Unit text embeddings, shape [texts, embed]. Errors: as Bundle::text_encoder and tokenizer.
Result<Tensor> encode_texts(const Bundle& bundle, std::span<const std::string> texts,
                            Session& session);
/// The same before normalisation. Errors: as encode_texts.
Result<Tensor> encode_texts_raw(const Bundle& bundle, std::span<const std::string> texts,
                                Session& session);
/// The embedding of one label: the mean of its texts, or of its parts, of unit length.
/// Shape: rows [texts of the label and then of its parts, embed] -> [embed]. Units: kUnitMean needs
/// unit rows.
std::vector<float> combine_texts(const text::Label& label, const float* rows, std::size_t embed,
                                 Compound compound);

/// The features that a bundle stores for its own labels: encode_texts of all of them in order.
/// Errors: as encode_texts.
Result<Tensor> encode_label_features(const Bundle& bundle, const std::vector<text::Label>& labels,
                                     Session& session);

}  // namespace mien::engine
