#pragma once

#include <cstdint>

namespace mien::engine {

/// Share of the side that the nearer view of a picture keeps, around its middle: 44 of 48 pixels,
/// as the crops that the compact tower trains on.
inline constexpr float kNearer = 11.0F / 12.0F;

/// Whether pictures can be looked at this many times: 1, 2 or 4.
constexpr bool is_view_count(int views) { return views == 1 || views == 2 || views == 4; }

/// The views of every picture, one after another: the picture; with 2 also the mirror image of its
/// nearer view (bilinear, half-pixel centres); with 4 the picture, its mirror image, the nearer
/// view and that one's mirror image. Shape: pixels [count, 3, side, side] -> out [count, views, 3,
/// side, side]. Precondition: 2 or 4 views.
void make_views(const float* pixels, std::int64_t count, std::int64_t side, int views, float* out);

}  // namespace mien::engine
