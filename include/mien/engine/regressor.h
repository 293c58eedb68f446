#pragma once

#include <cstdint>
#include <memory>

#include "mien/checkpoint/checkpoint.h"
#include "mien/engine/architecture.h"
#include "mien/engine/encoders.h"
#include "mien/kernels/linear.h"

namespace mien::engine {

/// A regression head on clip embeddings, packed for this CPU, always in float32.
/// Threads: immutable; safe from several threads. Source: EmoCLIP's downstream regression; see
/// docs/methods/README.md.
class Regressor {
 public:
  /// Packs the `mlp.*` tensors. Precondition: check_tensors passed, and there is a regression head.
  /// Errors: kInternal when oneDNN fails.
  static Result<std::shared_ptr<const Regressor>> load(const checkpoint::Checkpoint& weights,
                                                       const Architecture& architecture);

  /// Number of outputs.
  int targets() const { return head_.targets; }

  /// Shape: clips [count, embed], as the temporal model gives them (not normalised) -> out
  /// [count, targets]. Errors: kInternal when oneDNN fails.
  Status predict(const float* clips, std::int64_t count, float* out, Session& session) const;

 private:
  Regressor() = default;
  RegressionHead head_;
  kernels::Linear first_;
  kernels::Linear second_;  // of two layers
};

}  // namespace mien::engine
