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

/// The similarity transform that maps `from` closest to `to`, by least squares. If all points of
/// `from` coincide, only the shift is fitted. Preconditions: equal, even, non-zero sizes; x and y
/// alternate. Source: Umeyama, PAMI 1991; in two dimensions without reflections the solution is in
/// closed form.
Similarity fit_similarity(std::span<const float> from, std::span<const float> to);

}  // namespace mien::face
