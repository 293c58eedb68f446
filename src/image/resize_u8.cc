#include <algorithm>
#include <cstring>

#include "image/resize_internal.h"

namespace mien::image {
namespace {

constexpr std::size_t kRowSlack = 1;  // the horizontal loop reads 4 bytes of each pixel

std::uint8_t* copy_pixel(const std::uint8_t* from, std::uint8_t* to) {
  return std::copy_n(from, 3, to);
}

Image copy_window(ImageView source, const Window& window) {
  Image out(window.width, window.height);
  for (int y = 0; y < window.height; ++y) {
    std::memcpy(out.row(y), source.row(window.y + y) + std::ptrdiff_t{3} * window.x,
                std::size_t{3} * static_cast<std::size_t>(window.width));
  }
  return out;
}

Image resize_nearest(ImageView source, int width, int height, const Window& window) {
  const auto columns = make_nearest_u8(source.width, width, window.x, window.width);
  const auto rows = make_nearest_u8(source.height, height, window.y, window.height);
  Image out(window.width, window.height);
  for (int y = 0; y < window.height; ++y) {
    const std::uint8_t* in = source.row(rows[static_cast<std::size_t>(y)]);
    std::uint8_t* to = out.row(y);
    for (const int x : columns) to = copy_pixel(in + std::ptrdiff_t{3} * x, to);
  }
  return out;
}

// Source rows [first, end) at the new width; only the columns of the window.
Image resize_rows(ImageView source, int first, int end, const Taps<std::int32_t>& taps) {
  Image out(static_cast<int>(taps.size()), end - first);
  const std::size_t bytes = std::size_t{3} * static_cast<std::size_t>(source.width);
  const auto side_by_side = source.stride >= static_cast<std::ptrdiff_t>(bytes);
  std::vector<std::uint8_t> copies[2];
  const ResizeLoops& loops = resize_loops();
  for (int y = first; y < end; y += 2) {
    const std::uint8_t* in[2];
    std::uint8_t* to[2];
    for (int k = 0; k < 2; ++k) {
      const int row = std::min(y + k, end - 1);
      in[k] = source.row(row);
      to[k] = out.row(row - first);
      // Reading past a row is safe where another row follows; after the last one it is not.
      if (side_by_side && row + 1 < source.height) continue;
      copies[k].resize(bytes + kRowSlack);
      std::memcpy(copies[k].data(), in[k], bytes);
      in[k] = copies[k].data();
    }
    loops.horizontal(in, taps, to);
  }
  return out;
}

}  // namespace

Image resize_u8_window(ImageView source, int width, int height, Filter filter,
                       const Window& window) {
  MIEN_CHECK(width > 0 && height > 0 && !source.empty());
  MIEN_CHECK(window.x >= 0 && window.width > 0 && window.x <= width - window.width);
  MIEN_CHECK(window.y >= 0 && window.height > 0 && window.y <= height - window.height);
  const bool same_width = width == source.width;
  const bool same_height = height == source.height;
  if (same_width && same_height) return copy_window(source, window);
  if (filter == Filter::kNearest) return resize_nearest(source, width, height, window);

  Taps<std::int32_t> vertical;
  int first_row = window.y;
  int end_row = window.y + window.height;
  if (!same_height) {
    vertical = make_taps_u8(source.height, height, window.y, window.height, filter);
    first_row = vertical.first.front();
    end_row = vertical.end();
  }
  Image narrow;
  ImageView rows = source;  // whose row 0 is the source's first_row
  rows.data = source.row(first_row) + std::ptrdiff_t{3} * window.x;
  if (!same_width) {
    const auto taps = make_taps_u8(source.width, width, window.x, window.width, filter);
    narrow = resize_rows(source, first_row, end_row, taps);
    if (same_height) return narrow;
    rows = narrow;
  }
  Image out(window.width, window.height);
  const std::size_t bytes = std::size_t{3} * static_cast<std::size_t>(window.width);
  const ResizeLoops& loops = resize_loops();
  for (int y = 0; y < window.height; ++y) {
    const auto at = static_cast<std::size_t>(y);
    loops.vertical(rows.row(vertical.first[at] - first_row), rows.stride, vertical.count[at],
                   vertical.row(at), bytes, out.row(y));
  }
  return out;
}

Image resize_u8(ImageView source, int width, int height, Filter filter) {
  return resize_u8_window(source, width, height, filter, {0, 0, width, height});
}

}  // namespace mien::image
