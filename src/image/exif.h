#pragma once

#include "image/codec.h"

namespace mien::image {

/// Orientation 1..8 of an EXIF block (the TIFF structure, with or without "Exif\0\0" in front).
/// 1 (upright) when there is none or it is damaged: a bad note never costs the picture.
int exif_orientation(Bytes exif);

/// Whether that makes width of height.
constexpr bool swaps_sides(int orientation) { return orientation >= 5; }

/// The picture turned and mirrored so that a picture stored with EXIF `orientation` is upright.
/// Precondition: 1 <= orientation <= 8.
Image orient(Image image, int orientation);

}  // namespace mien::image
