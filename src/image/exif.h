#pragma once

#include "image/codec.h"

namespace mien::image {

/// Orientation 1..8 of an EXIF block (the TIFF structure, with or without "Exif\0\0" before it). 1
/// (upright) when missing or damaged: bad metadata never makes a picture unreadable.
int exif_orientation(Bytes exif);

/// Whether that orientation swaps width and height.
constexpr bool swaps_sides(int orientation) { return orientation >= 5; }

/// Turns and mirrors a picture stored with EXIF `orientation` so that it is upright. Precondition:
/// 1 <= orientation <= 8.
Image orient(Image image, int orientation);

}  // namespace mien::image
