#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/engine/bundle.h"
#include "mien/engine/encoders.h"
#include "mien/engine/regressor.h"
#include "mien/engine/result.h"
#include "mien/engine/temporal.h"

namespace mien::engine {

/// How the frames of a clip became one answer.
enum class Aggregate {
  kMean,      ///< mean of the frame embeddings
  kTemporal,  ///< the bundle's temporal model
};
/// "mean", "temporal".
std::string_view to_string(Aggregate aggregate);

/// Which frames of a clip are read, and in which order the model gets them.
struct ClipPlan {
  std::vector<std::int64_t> frames;                ///< ascending, each once
  std::vector<std::vector<std::int64_t>> windows;  ///< indices in `frames`; they may repeat
};

/// Euclidean length.
double length_of(std::span<const float> row);

/// The result of a clip.
struct ClipReading {
  std::vector<float> embedding;  ///< [embed], of unit length
  double length = 1;             ///< of the mean before it was normalised; 1 with a temporal model
  std::vector<float> values;     ///< [targets] of the regression head; empty without one
};

/// Turns frame embeddings into the embedding of the clip, the same way for every verb. With a
/// temporal model: the mean of the unit embeddings of all windows; without one: the mean of all
/// rows. A regression head reads embeddings before normalisation: each window, with the mean of its
/// values as the result; or the mean of the rows. Threads: immutable; safe from several threads.
class ClipReader {
 public:
  /// Packs the temporal model and the regression head when the bundle has them. Errors: those of
  /// Bundle::temporal_encoder and Bundle::regressor.
  static Result<ClipReader> make(const Bundle& bundle);

  /// How a clip is read.
  Aggregate aggregate() const { return temporal_ ? Aggregate::kTemporal : Aggregate::kMean; }
  /// How a single picture is read. Attention pooling over one frame changes nothing, so it is
  /// skipped.
  Aggregate picture_aggregate() const {
    return changes_pictures_ ? Aggregate::kTemporal : Aggregate::kMean;
  }

  /// Frames and windows by the bundle's sampling rule (video::sample_covering). If `total` counts
  /// only every n-th frame of the clip, `thinning` is n: the stride of the rule is divided by it,
  /// down to 1. A picture is a clip of one frame, which the rule repeats. Errors: kInvalidArgument
  /// when total < 1.
  Result<ClipPlan> plan(std::int64_t total, std::int64_t thinning = 1) const;

  /// Shape: rows [plan.frames, embed], as the image tower computes them. Errors: those of
  /// TemporalEncoder::encode and Regressor::predict.
  Result<ClipReading> read(const ClipPlan& plan, const float* rows, Session& session) const;
  /// Targets of the regression head, in its order; empty without one.
  const std::vector<std::string>& target_names() const { return targets_; }
  /// `values` with the names of their targets.
  std::vector<TargetValue> named(const std::vector<float>& values) const;
  /// Shape: clip [embed], not normalised -> [targets], or empty without a regression head.
  /// Errors: those of Regressor::predict.
  Result<std::vector<float>> values(const float* clip, Session& session) const;

 private:
  ClipReader() = default;
  video::SamplingSpec sampling_;
  std::size_t embed_ = 0;
  bool changes_pictures_ = false;
  std::shared_ptr<const TemporalEncoder> temporal_;
  std::shared_ptr<const Regressor> regressor_;
  std::vector<std::string> targets_;
};

}  // namespace mien::engine
