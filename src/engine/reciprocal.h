#pragma once

#include <memory>
#include <span>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/engine/architecture.h"

namespace mien::engine {

/// How far an embedding is from the reciprocal point of every label: z = |f - u|^2 / D - f . u, a
/// large value for a label whose opposite is far away. f is the mean of a clip's embeddings as the
/// image tower gives them, not normalised unless the bundle names a length (behind the adapter when
/// there is one). Immutable; shared by threads. Source: ARPL (arXiv 2103.00953) and HESP (arXiv
/// 2404.17100).
class ReciprocalDistance {
 public:
  /// nullptr when the architecture has no such points. Precondition: check_tensors passed.
  static Result<std::shared_ptr<const ReciprocalDistance>> load(
      const checkpoint::Checkpoint& weights, const Architecture& architecture);

  const ReciprocalPoints& weights() const { return sizes_; }
  /// Shape: unit [embed] times `length` is f -> z [labels].
  std::vector<double> scores(std::span<const float> unit, double length) const;

 private:
  ReciprocalDistance() = default;
  ReciprocalPoints sizes_;
  std::size_t embed_ = 0;
  std::vector<float> points_;   // [labels, embed]
  std::vector<float> adapter_;  // [embed, embed], or empty
};

}  // namespace mien::engine
