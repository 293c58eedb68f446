#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mien/face/face.h"

namespace mien::engine {

/// How well one label fits one face (or one track).
struct LabelScore {
  std::string label;
  float probability = 0;  ///< calibrated, 0..1; sums to 1 over the labels
  float cosine = 0;       ///< raw similarity, -1..1
};

/// Why a label got its score: one of its descriptions and how well it fits.
struct Reason {
  std::string label;
  std::string text;
  float cosine = 0;
  /// Of a learned description: for each of its learned tokens the nearest words, nearest first.
  std::vector<std::vector<std::string>> near = {};
};

/// The value of one regression target, in its own unit.
struct TargetValue {
  std::string target;
  float value = 0;
};

/// The answer for a face at a moment of a clip, smoothed over time.
struct SteadyAnswer {
  std::vector<LabelScore> labels = {};  ///< the answer first, then by probability; at most ten
  bool unknown = false;
  bool continues = false;          ///< the face was present without a break since its last frame
  std::vector<float> change = {};  ///< of each of `labels`, against the face's own baseline

  /// The best label, or "unknown".
  std::string top() const { return unknown || labels.empty() ? "unknown" : labels.front().label; }
};

/// The reading of one face.
struct FaceResult {
  face::Face face;
  std::vector<LabelScore> labels;   ///< best first
  bool unknown = false;             ///< no label fits well enough; `labels` still holds the scores
  std::vector<Reason> reasons;      ///< only with `explain`; best fit first
  std::vector<TargetValue> values;  ///< only from a bundle with a regression head, in its order
  std::vector<float> embedding;     ///< only on request; L2-normalised
  /// Distance from the predicted neutral face (NeutralDifference), 0..1; only with `explain` and a
  /// bundle that has such a network.
  std::optional<float> intensity = {};
  /// Clips and live frames: the smoothed answer at this frame.
  std::optional<SteadyAnswer> steady = {};
  /// Clips with a baseline: how much more probable each of `labels` is than in the face's own
  /// baseline, -1..1; empty when the baseline is unknown.
  std::vector<float> change = {};

  /// The best label, or "unknown".
  std::string top() const { return unknown || labels.empty() ? "unknown" : labels.front().label; }
};

}  // namespace mien::engine
