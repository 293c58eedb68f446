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

/// What a bundle knows about faces in general (`reference` of bundle.json), from which a rule for
/// "unknown" can be made for any label set: embeddings of training faces of known classes, and how
/// far from them a face may be. See docs/reference/bundle.md.
struct ReferenceInfo {
  /// A class of reference faces.
  struct Class {
    std::string name;
    std::int64_t faces = 0;  ///< rows of the tensor, class by class
    double share = 0;        ///< of the training faces

    bool operator==(const Class&) const = default;
  };
  std::vector<Class> classes;
  std::int64_t directions = 0;  ///< rows of the basis tensor after the centre
  double far = 0;               ///< largest distance from the basis of a known face
  double far_unit = 1;          ///< distance that counts as one deviation of a label's fit
  double level = 0.05;          ///< share of reference faces that may be unknown
  double threshold = 1;         ///< for labels that name none of the classes
  double slope = 1;             ///< logit that a label fits = slope * standardised cosine + offset
  double offset = 0;
  std::vector<std::string> words;  ///< sorted: words of the texts that described training faces

  bool operator==(const ReferenceInfo&) const = default;

  /// What parse() reads.
  Json to_json() const;
  /// Messages start with `subject`. Errors: kCorrupt naming the key.
  static Result<ReferenceInfo> parse(const Json& json, std::string_view subject,
                                     const Limits& limits);
  /// Number of faces of all classes.
  std::int64_t faces() const;
};

/// How labels compare with the reference faces. Cosines are standardised by mean and deviation over
/// the reference faces, all classes weighted equally, so that labels of any wording are comparable.
struct LabelFit {
  std::vector<double> mean;       ///< per label, of its cosines with the reference faces
  std::vector<double> deviation;  ///< per label, above zero
  double threshold = 0;           ///< of the largest standardised cosine
};

/// The reference faces in memory. Threads: immutable; safe from several threads.
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

  /// The info given at construction, and one row of the faces. Shape: [embed].
  const ReferenceInfo& info() const { return info_; }
  std::span<const float> face(std::int64_t row) const;

  /// Standardises labels, and finds the threshold that a share `level` of the reference faces of
  /// the named classes does not reach. A label names the class whose faces fit it best, if they do
  /// so clearly. Shape: cosines [faces, labels].
  LabelFit fit(std::span<const double> cosines, std::size_t labels) const;

  /// Distance of a unit embedding from the plane that the faces lie in.
  double distance(std::span<const float> embedding) const;
  /// The margin by which a face is near enough, in units of a label's fit; below zero: too far.
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

/// The smaller of the largest standardised cosine minus the threshold and the nearness; below zero
/// means unknown. Shape: cosines [labels].
double known_score(const Reference& reference, const LabelFit& fit, std::span<const float> face,
                   std::span<const double> cosines);

}  // namespace mien::engine
