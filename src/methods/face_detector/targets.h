#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/detectors/pyramid.h"
#include "methods/face_detector/scene.h"

namespace mien::methods {

/// What a place should answer: score (0 to 1), weight of the score (0: whatever it is), weight of
/// box and points, box as centre, width and height, points as x, y; in pixels.
constexpr std::int64_t kTargetWidth = 17;

/// The targets of every place, level by level from the finest.
///
/// Of a frame, what the teacher answers. Of a composed picture: where the teacher sees a known
/// face, its score with the known box and points; where it doubts of something that is none, no
/// face; where it is sure of that, nothing. Faces that it does not see get places of their own
/// around their middle, unless they are not `sure`.
/// Shape: [places, kTargetWidth], one row after the other. Precondition: maps of scene.picture.
std::vector<float> make_targets(const Scene& scene, std::span<const engine::PyramidMap> maps);

}  // namespace mien::methods
