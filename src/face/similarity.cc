#include "face/similarity.h"

#include <cstddef>

#include "mien/core/check.h"

namespace mien::face {

Similarity fit_similarity(std::span<const float> from, std::span<const float> to) {
  MIEN_CHECK(from.size() == to.size() && !from.empty() && from.size() % 2 == 0);
  const double points = static_cast<double>(from.size()) / 2;
  double from_x = 0;
  double from_y = 0;
  double to_x = 0;
  double to_y = 0;
  for (std::size_t i = 0; i < from.size(); i += 2) {
    from_x += static_cast<double>(from[i]);
    from_y += static_cast<double>(from[i + 1]);
    to_x += static_cast<double>(to[i]);
    to_y += static_cast<double>(to[i + 1]);
  }
  from_x /= points;
  from_y /= points;
  to_x /= points;
  to_y /= points;
  double along = 0;
  double across = 0;
  double spread = 0;
  for (std::size_t i = 0; i < from.size(); i += 2) {
    const double x = static_cast<double>(from[i]) - from_x;
    const double y = static_cast<double>(from[i + 1]) - from_y;
    const double u = static_cast<double>(to[i]) - to_x;
    const double v = static_cast<double>(to[i + 1]) - to_y;
    along += x * u + y * v;
    across += x * v - y * u;
    spread += x * x + y * y;
  }
  Similarity out;
  if (spread > 0) {
    out.a = along / spread;
    out.b = across / spread;
  }
  out.tx = to_x - (out.a * from_x - out.b * from_y);
  out.ty = to_y - (out.b * from_x + out.a * from_y);
  return out;
}

}  // namespace mien::face
