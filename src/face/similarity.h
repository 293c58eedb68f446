#pragma once

#include <span>

namespace mien::face {

/// Rotation, uniform scale and shift: (x, y) -> (a x - b y + tx, b x + a y + ty).
struct Similarity {
  double a = 1;
  double b = 0;
  double tx = 0;
  double ty = 0;
};

/// The similarity that takes `from` nearest to `to`, least squares. When all points of `from` are
/// one point, only the shift is fitted. Preconditions: sizes equal, even, not 0; x and y in turn.
/// Source: Umeyama, PAMI 1991; in two dimensions without reflections the solution is closed.
Similarity fit_similarity(std::span<const float> from, std::span<const float> to);

}  // namespace mien::face
