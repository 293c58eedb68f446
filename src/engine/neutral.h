#pragma once

#include <memory>
#include <span>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/engine/architecture.h"

namespace mien::engine {

/// How far a face is from the neutral that the bundle's network predicts for the same person.
/// Immutable; shared by threads.
class NeutralDifference {
 public:
  /// nullptr when the architecture has no such network. Precondition: check_tensors passed.
  static Result<std::shared_ptr<const NeutralDifference>> load(
      const checkpoint::Checkpoint& weights, const Architecture& architecture);

  /// 1 - cosine of an embedding with its predicted neutral, 0..2; 0 for an embedding of zeros.
  /// Precondition: `raw` has the embed width and is not normalised.
  float distance(std::span<const float> raw) const;
  /// The distance from `from` to `to` of the bundle as 0..1, cut at both ends. They are the median
  /// of neutral faces and the 95th percentile of the others of the validation data.
  float intensity(std::span<const float> raw) const;

 private:
  NeutralDifference() = default;
  NeutralNetwork sizes_;
  std::vector<float> in_weight_, in_bias_, out_weight_, out_bias_;
};

}  // namespace mien::engine
