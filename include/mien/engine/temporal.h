#pragma once

#include <cstdint>
#include <memory>

#include "mien/checkpoint/checkpoint.h"
#include "mien/engine/architecture.h"
#include "mien/engine/encoders.h"
#include "mien/kernels/linear.h"

namespace mien::engine {

/// Mixes the embeddings of a clip's frames into one, packed for this CPU.
/// Threads: immutable; safe from several threads. Source: EmoCLIP (arXiv 2310.16640), temporal
/// module; see docs/methods/README.md.
class TemporalEncoder {
 public:
  /// Packs the `temporal.*` tensors. Precondition: check_tensors passed, and there is a temporal
  /// model. Errors: kInternal when oneDNN fails.
  static Result<std::shared_ptr<const TemporalEncoder>> load(const checkpoint::Checkpoint& weights,
                                                             const Architecture& architecture,
                                                             kernels::Precision precision);
  ~TemporalEncoder();

  /// Most frames of one clip in encode().
  int max_frames() const;

  /// Shape: frames [clips, count, embed], as the image tower computes them (not normalised) -> out
  /// [clips, embed], not normalised. Errors: kInvalidArgument unless count is in 1..max_frames().
  Status encode(const float* frames, std::int64_t clips, std::int64_t count, float* out,
                Session& session) const;

  struct Impl;

 private:
  explicit TemporalEncoder(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mien::engine
