#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "mien/engine/bundle.h"
#include "mien/engine/encoders.h"
#include "mien/engine/temporal.h"

namespace mien::engine {

/// How the frames of a clip became one answer.
enum class Aggregate {
  kMean,      ///< mean of the frame embeddings
  kTemporal,  ///< the bundle's temporal model
};
std::string_view to_string(Aggregate aggregate);

/// Which frames of a clip are read, and in which order the model gets them.
struct ClipPlan {
  std::vector<std::int64_t> frames;                ///< ascending, each once
  std::vector<std::vector<std::int64_t>> windows;  ///< places in `frames`; they may repeat
};

/// Frame embeddings to the embedding of the clip, the same for every verb. With a temporal model
/// every window goes through it, and the mean of the unit window embeddings counts; without one the
/// mean of all rows. Immutable; shared by threads.
class ClipReader {
 public:
  /// Packs the temporal model when the bundle has one. Errors: those of Bundle::temporal_encoder.
  static Result<ClipReader> make(const Bundle& bundle);

  Aggregate aggregate() const { return temporal_ ? Aggregate::kTemporal : Aggregate::kMean; }
  /// How a single picture is read. Attention pooling gives back the one frame, so it is not asked.
  Aggregate picture_aggregate() const {
    return changes_pictures_ ? Aggregate::kTemporal : Aggregate::kMean;
  }

  /// By the bundle's sampling rule (video::sample_covering). `thinning`: `total` counts only every
  /// so-manieth frame of the clip, and the rule's stride is divided by it, down to 1. A picture is
  /// a clip of one frame: the rule repeats it to its length. Errors: kInvalidArgument when total
  /// < 1.
  Result<ClipPlan> plan(std::int64_t total, std::int64_t thinning = 1) const;

  /// Shape: rows [plan.frames, embed], as the image tower gives them -> out [embed], of unit
  /// length. Errors: those of the temporal model.
  Status read(const ClipPlan& plan, const float* rows, float* out, Session& session) const;

 private:
  ClipReader() = default;
  video::SamplingSpec sampling_;
  std::size_t embed_ = 0;
  bool changes_pictures_ = false;
  std::shared_ptr<const TemporalEncoder> temporal_;
};

}  // namespace mien::engine
