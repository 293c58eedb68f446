#pragma once

#include "mien/core/options.h"
#include "mien/core/rng.h"
#include "mien/image/image.h"

namespace mien::data {

/// Random changes of 8-bit pictures before they are preprocessed, alike for all frames of a clip:
/// brightness, rotation, random resized crop, mirror image, in this order. The defaults change
/// nothing. Source: DFER-CLIP (arXiv 2308.13382) and its code; methods-peers §A3.
struct PictureViewOptions {
  double brightness = 0;    ///< times uniform [1 - b, 1 + b], cut to 8 bits as Pillow does
  double rotate_deg = 0;    ///< angle uniform in [-r, r], nearest neighbour, black corners
  double crop_area = 1;     ///< least share of the area that a crop keeps; 1: no crop
  double ratio_min = 0.75;  ///< width by height of a crop, uniform; one in two is turned around
  double ratio_max = 4.0 / 3;
  double flip = 0;  ///< probability of a mirror image

  bool any() const;
  void register_options(OptionSet& set);
  /// Brightness 0.5, crop from 0.08, flip 0.5, no rotation. Source: DFER-CLIP on DFEW.
  static PictureViewOptions bright_crop_flip();
};

/// Random values for the pictures of a clip.
struct PictureView {
  double brightness = 1;
  double angle_deg = 0;  ///< counter-clockwise
  /// Of the crop, pixels. Empty: `scale_shorter` says whether there is one.
  int left = 0, top = 0, width = 0, height = 0;
  /// Used if no crop fits in ten tries: the shorter side becomes the output's, and a square is cut
  /// at these shares of the possible offsets.
  bool scale_shorter = false;
  double x = 0, y = 0;
  bool flip = false;
};

/// Draws for pictures of this size. Always takes the same number of values from `rng`.
/// Preconditions: sizes > 0.
PictureView draw_picture_view(const PictureViewOptions& options, int width, int height, Rng& rng);

/// One changed picture; with a crop it is side x side, resized as Pillow does (bilinear, support
/// scaled). A crop that overhangs a smaller picture is black there. Precondition: `source` is not
/// empty, side > 0.
image::Image picture_view(const PictureView& view, image::ImageView source, int side);

}  // namespace mien::data
