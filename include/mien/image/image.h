#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mien/core/check.h"

namespace mien::image {

/// A rectangle in pixels; x, y is the top left corner. May overhang the picture it refers to.
struct Box {
  float x = 0;
  float y = 0;
  float w = 0;
  float h = 0;

  /// 0 when a side is not positive.
  float area() const { return w > 0 && h > 0 ? w * h : 0; }
  bool operator==(const Box&) const = default;
};

/// Intersection over union, 0..1.
float iou(const Box& a, const Box& b);

/// A point in pixels; (0, 0) is the top left corner of the picture.
struct Point {
  float x = 0;
  float y = 0;
  bool operator==(const Point&) const = default;
};

/// Borrowed 8-bit RGB pixels, interleaved, `stride` bytes from row to row.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;

  /// No pixels.
  bool empty() const { return width <= 0 || height <= 0; }
  /// First byte of a row. Precondition: 0 <= y < height.
  const std::uint8_t* row(int y) const { return data + y * stride; }
};

/// Owned 8-bit RGB pixels, rows packed (stride = 3 * width).
class Image {
 public:
  Image() = default;
  /// Black. Preconditions: sizes >= 0.
  Image(int width, int height);

  /// Sizes in pixels.
  int width() const { return width_; }
  int height() const { return height_; }
  bool empty() const { return width_ == 0 || height_ == 0; }
  /// First byte of a row. Precondition: 0 <= y < height().
  std::uint8_t* row(int y) { return pixels_.data() + static_cast<std::size_t>(y) * 3U * width_u(); }
  const std::uint8_t* row(int y) const {
    return pixels_.data() + static_cast<std::size_t>(y) * 3U * width_u();
  }
  /// All bytes, 3 * width() * height().
  std::vector<std::uint8_t>& pixels() { return pixels_; }
  const std::vector<std::uint8_t>& pixels() const { return pixels_; }
  /// Borrows: valid while this picture lives and keeps its size.
  ImageView view() const { return {pixels_.data(), width_, height_, std::ptrdiff_t{3} * width_}; }
  operator ImageView() const { return view(); }  // NOLINT(google-explicit-constructor)

 private:
  std::size_t width_u() const { return static_cast<std::size_t>(width_); }
  int width_ = 0;
  int height_ = 0;
  std::vector<std::uint8_t> pixels_;
};

/// Copies the part of `source` inside `box` (corners rounded to whole pixels); parts outside the
/// picture are black. Empty when the box is not finite, covers no pixel, or is larger than the
/// limits for pictures (16,384 on a side, 64 million pixels).
Image crop(ImageView source, const Box& box);

}  // namespace mien::image
