#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/core/json.h"
#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien::engine {

/// What a bundle knows of faces in general (`reference` of bundle.json), so that a rule can be
/// made for any label set: embeddings of training faces of known classes, and how far from them a
/// face may be. See docs/reference/bundle.md.
struct ReferenceInfo {
  struct Class {
    std::string name;
    std::int64_t faces = 0;  ///< rows of the tensor, one class after another
    double share = 0;        ///< of the training faces

    bool operator==(const Class&) const = default;
  };
  std::vector<Class> classes;
  std::int64_t directions = 0;  ///< rows of the tensor of the basis, behind the centre
  double far = 0;               ///< distance from the basis that a face may have
  double far_unit = 1;          ///< what counts like one deviation of a label's fit
  double level = 0.05;          ///< share of reference faces that may be unknown
  double threshold = 1;         ///< of labels that name none of the classes
  double slope = 1;             ///< of the logit that a label fits, by its standardised cosine
  double offset = 0;
  std::vector<std::string> words;  ///< sorted: the texts that were beside faces had them

  bool operator==(const ReferenceInfo&) const = default;

  Json to_json() const;
  /// Errors: kCorrupt naming the place.
  static Result<ReferenceInfo> parse(const Json& json, std::string_view subject,
                                     const Limits& limits);
  std::int64_t faces() const;
};

/// Labels beside the reference faces: a cosine is turned into deviations from the mean over all
/// classes alike, so that labels of any wording can be compared.
struct LabelFit {
  std::vector<double> mean;       ///< per label, of its cosines with the reference faces
  std::vector<double> deviation;  ///< per label, above zero
  double threshold = 0;           ///< of the largest standardised cosine
};

/// The reference faces in memory. Immutable; safe from several threads.
class Reference {
 public:
  static constexpr const char* kFaces = "reference.faces";
  static constexpr const char* kBasis = "reference.basis";

  /// nullptr when the bundle has none. Errors: kCorrupt for tensors of another shape or type, or
  /// values that are not finite.
  static Result<std::shared_ptr<const Reference>> load(const checkpoint::Checkpoint& weights,
                                                       const ReferenceInfo* info,
                                                       std::int64_t embed,
                                                       std::string_view subject);
  /// From values in memory, as load. `faces`: [faces, embed]; `basis`: [1 + directions, embed].
  Reference(ReferenceInfo info, std::vector<float> faces, std::vector<float> basis,
            std::int64_t embed);

  const ReferenceInfo& info() const { return info_; }
  std::span<const float> face(std::int64_t row) const;

  /// Standardises labels and finds the threshold that `level` of the reference faces of the classes
  /// that the labels name do not reach. A label names the class whose faces fit it best, when they
  /// do clearly. Shape: cosines [faces, labels].
  LabelFit fit(std::span<const double> cosines, std::size_t labels) const;

  /// Distance of a unit embedding from the plane that the faces lie in.
  double distance(std::span<const float> embedding) const;
  /// How much nearer than allowed a face is, in units of a label's fit; below zero: too far.
  double nearness(std::span<const float> embedding) const;
  /// The probability that a label fits rather than not, as a logit.
  double logit(double standardised) const { return info_.slope * standardised + info_.offset; }

 private:
  ReferenceInfo info_;
  std::vector<float> faces_;
  std::vector<float> basis_;
  std::size_t embed_;
  std::vector<std::size_t> class_of_;
};

/// Largest standardised cosine minus the threshold, or the nearness when that is less: below zero
/// means unknown. Shape: cosines [labels].
double known_score(const Reference& reference, const LabelFit& fit, std::span<const float> face,
                   std::span<const double> cosines);

}  // namespace mien::engine
