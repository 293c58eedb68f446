#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/rng.h"
#include "mien/core/status.h"

// Errors: every sampling function returns kInvalidArgument when total < 1 or frames is
// outside 1..4096.

namespace mien::video {

/// Frame indices of one clip for a model, in the order in which the model gets them; they may
/// repeat and, for a window that wraps around, jump back. `total` is the number of frames of the
/// clip. Threads: the sampling functions are pure.
using FrameIndices = std::vector<std::int64_t>;

/// The centre of each of `frames` equal parts: floor((i + 1/2) * total / frames).
Result<FrameIndices> sample_uniform(std::int64_t total, int frames);

/// A window: of every `stride`-th frame, `frames` in a row from a random start, wrapping
/// around at the end and extended by reflection when still too short. Without `rng` it starts at 0.
/// Errors: also kInvalidArgument when stride < 1. Source: EmoCLIP, the same for training and
/// testing.
Result<FrameIndices> sample_strided_window(std::int64_t total, int frames, int stride, Rng* rng);

/// One random frame of each of `frames` segments; a clip shorter than that gives 0, 1, .. and then
/// its last frame again. Source: DFER-CLIP, training.
Result<FrameIndices> sample_segments_or_hold(std::int64_t total, int frames, Rng& rng);
/// Segment centres when total > frames, else 0, 1, .. and then the last frame again. Source:
/// DFER-CLIP, testing.
Result<FrameIndices> sample_centres_or_hold(std::int64_t total, int frames);

/// One random frame of each of `frames` segments; a clip shorter than that gives frame 0 every
/// time. Source: CLIPER (16 frames) and HESP (8 frames), training.
Result<FrameIndices> sample_segments_or_first(std::int64_t total, int frames, Rng& rng);
/// Segment centres when total > frames, else frame 0 every time: with total = frames, too, where
/// sample_segments_or_first gives every frame. Source: Exp-CLIP (which trains on pictures), CLIPER
/// and HESP, testing.
Result<FrameIndices> sample_centres_or_first(std::int64_t total, int frames);

/// How frames are chosen. Bundles store the name in brackets, which is that of the first method.
enum class SamplingRule {
  kUniform,               ///< ["uniform"] centres of equal parts
  kStridedWindow,         ///< ["emoclip"] sample_strided_window
  kSegmentsOrHold,        ///< ["dfer_clip"] sample_segments_or_hold, sample_centres_or_hold
  kCentresOrFirst,        ///< ["exp_clip"] sample_centres_or_first; not for training
  kSegmentsOrFirst,       ///< ["cliper"] sample_segments_or_first, sample_centres_or_first
  kEightSegmentsOrFirst,  ///< ["hesp"] the same; published with 8 frames
};
/// Training may draw frames at random; testing gives the same frames every time.
enum class SamplingPhase { kTrain, kTest };

/// The stable name of a rule, for example "dfer_clip".
std::string_view to_string(SamplingRule rule);

/// How the frames for a model are chosen, as a bundle stores it: {"rule": .., "frames": ..,
/// "stride": ..}.
struct SamplingSpec {
  SamplingRule rule = SamplingRule::kUniform;
  int frames = 16;
  int stride = 1;  ///< only kStridedWindow uses it; 1 for all others

  bool operator==(const SamplingSpec&) const = default;
  /// What parse() reads.
  Json to_json() const;
  /// Errors: kCorrupt for a missing, unknown or mistyped key, kInvalidArgument as `validate`; the
  /// message starts with `subject`.
  static Result<SamplingSpec> parse(const Json& json, std::string_view subject);
  /// Errors: kInvalidArgument unless frames is in 1..4096 and stride in 1..1000 (1 where unused).
  Status validate() const;
};

/// Applies the rule of `spec`. `rng` may be null for testing (a window then starts at 0).
/// Precondition: kTrain of a rule other than kUniform and kStridedWindow has an `rng`.
/// Errors: kInvalidArgument for an invalid spec, total < 1, or kTrain of kCentresOrFirst.
Result<FrameIndices> sample(const SamplingSpec& spec, std::int64_t total, SamplingPhase phase,
                            Rng* rng);

/// Most windows of sample_covering: bounds the work for a long clip.
inline constexpr int kMaxWindows = 16;
/// Samples that together cover a whole clip, without randomness: the single sample of the testing
/// rule; for a strided window as many windows (at most kMaxWindows) as are needed to reach every
/// kept frame, evenly spread from the first to the last. A clip that fits one window gives the
/// window that starts at 0. Errors: as `sample`.
Result<std::vector<FrameIndices>> sample_covering(const SamplingSpec& spec, std::int64_t total);

}  // namespace mien::video
