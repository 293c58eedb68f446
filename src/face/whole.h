#pragma once

#include <optional>

#include "mien/face/detector.h"

namespace mien::face {

/// Decides whether `picture` is a tight face crop (as in LFW or FER2013): nearly square, and a
/// lenient search in a small, padded copy finds a face that covers much of it. Returns that face in
/// pixels of `picture`, or nullopt. `min_score` shifts the rule's own thresholds. Errors: those of
/// the detector.
Result<std::optional<Detection>> find_whole(image::ImageView picture, FaceDetector& detector,
                                            float min_score);

}  // namespace mien::face
