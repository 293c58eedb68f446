#pragma once

#include <array>
#include <span>

#include "mien/core/options.h"
#include "mien/core/rng.h"

namespace mien::data {

/// Random changes as torchvision makes them: colour jitter on the picture, random resized crop on
/// the normalised planes. The defaults change nothing. Source: methods-cliper §2.1.
struct RandomViewOptions {
  double brightness = 0;  ///< times uniform [1 - b, 1 + b], clamped to white
  double hue = 0;         ///< turns the hue circle by uniform [-h, h] of it
  double crop_area = 1;   ///< least share of the area that a crop keeps; 1: no crop
  double ratio_min = 1;   ///< width by height of a crop, uniform in the logarithm
  double ratio_max = 1;

  bool any() const;
  void register_options(OptionSet& set);
  /// Brightness 0.4, hue 0.3, area from 0.15, ratio 0.3 to 3.3.
  static RandomViewOptions cliper();
};

/// Random values, applied equally to every frame of a clip.
struct RandomView {
  double brightness = 1;
  double hue = 0;
  bool hue_first = false;
  bool crops = false;
  double width = 1, height = 1;  ///< of the crop, shares of the side
  double x = 0, y = 0;           ///< where it lies, 0 to 1 of what is possible
};

/// Always takes the same number of values from `rng`.
RandomView draw_view(const RandomViewOptions& options, Rng& rng);

/// How planes were normalised: (value - mean) / std of values from 0 to 1.
struct PlaneScale {
  std::array<float, 3> mean = {};
  std::array<float, 3> std = {1, 1, 1};
};

/// Jitters the colours in place. Shape: planes [3, side, side].
void jitter(const RandomView& view, const PlaneScale& scale, std::span<float> planes);
/// Cuts the crop out and resizes it to the whole side, bilinear without antialias, as torchvision's
/// random resized crop did on tensors when CLIPER was trained. Shape: planes [3, side, side].
void crop(const RandomView& view, int side, std::span<float> planes);

}  // namespace mien::data
