#pragma once

#include <span>

#include "mien/core/options.h"
#include "mien/core/rng.h"

namespace mien::data {

/// Random changes of preprocessed pictures. The defaults change nothing; tilt_and_flip() is what
/// EmoCLIP trains with.
struct AugmentOptions {
  double rotate_deg = 0;  ///< angle uniform in [-r, r], counter-clockwise
  double flip = 0;        ///< probability of a mirror image
  double scale = 0;       ///< zoom factor uniform in [1 - s, 1 + s]
  double shift = 0;       ///< moves by up to this share of the side, both ways
  double contrast = 0;    ///< times uniform [1 - c, 1 + c]
  double brightness = 0;  ///< plus uniform [-b, b], in units of the preprocessed values
  double noise = 0;       ///< plus normal noise of up to this standard deviation
  double erase = 0;       ///< probability that a rectangle of 2 % to 25 % of the area becomes 0
  bool smooth = true;     ///< bilinear; false: nearest neighbour

  bool any() const;
  void register_options(OptionSet& set);
  /// Rotation of +-6 degrees by nearest neighbour, fill 0, and flip with p = 0.5. Source:
  /// methods-emoclip §4.
  static AugmentOptions tilt_and_flip();
};

/// Random values, applied equally to every frame of a clip.
struct Augmentation {
  double angle_deg = 0;
  bool flip = false;
  double scale = 1;
  double shift_x = 0;  ///< share of the side
  double shift_y = 0;
  double contrast = 1;
  double brightness = 0;
  double noise = 0;
  double erase_x = 0, erase_y = 0, erase_w = 0, erase_h = 0;  ///< shares of the side
  bool smooth = true;
};

/// Always takes the same number of values from `rng`.
Augmentation draw_augmentation(const AugmentOptions& options, Rng& rng);

/// Changes one picture in place. Shape: planes [3, side, side]. Pixels from outside become 0 (the
/// mean colour of a normalised picture). Rotation, then flip, as published. `rng` feeds the noise
/// only.
void augment(const Augmentation& augmentation, int side, std::span<float> planes, Rng& rng);

}  // namespace mien::data
