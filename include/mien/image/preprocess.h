#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::image {

/// How a resize interpolates.
enum class Filter { kNearest, kBilinear, kBicubic };

/// One step of a preprocessing recipe. Steps run in their order.
struct PreprocessStep {
  /// What a step does.
  enum class Kind {
    kResizeShorter,  ///< shorter side -> size, aspect kept (torchvision: longer side = int(size *
                     ///< long / short))
    kResizeExact,    ///< -> size x size
    kCenterCrop,  ///< size x size, torchvision's rounding; smaller pictures are padded with zeros
                  ///< first
    kGrey,        ///< ITU-R 601 luma, replicated to three channels (before kToFloat)
    kToFloat,     ///< uint8 -> float32 / 255
    kNormalize,   ///< (x - mean) / std per channel
  };
  Kind kind = Kind::kToFloat;
  int size = 0;
  Filter filter = Filter::kBicubic;
  /// true: Pillow's support-scaled filter (bicubic a = -0.5). On uint8 the result is rounded as
  /// Pillow rounds. false: torch's interpolate, align_corners=false (bicubic a = -0.75), no
  /// clamping on floats; on uint8 the result is clamped and rounded.
  bool antialias = true;
  std::array<float, 3> mean{};
  std::array<float, 3> std{1, 1, 1};

  bool operator==(const PreprocessStep&) const = default;
};

/// How a face crop is preprocessed for the image tower of a method; stored in a bundle.
struct PreprocessSpec {
  std::vector<PreprocessStep> steps;

  bool operator==(const PreprocessSpec&) const = default;

  /// Stock CLIP: shorter side bicubic antialiased, centre crop, [0,1], CLIP mean/std.
  static PreprocessSpec clip(int size);
  /// [0,1], CLIP mean/std, then shorter side bicubic WITHOUT antialias, centre crop. Source:
  /// EmoCLIP (methods-emoclip §4).
  static PreprocessSpec normalized_first(int size);
  /// Direct antialiased bilinear resize to size x size on uint8, [0,1], no mean/std. Source:
  /// DFER-CLIP.
  static PreprocessSpec stretched(int size);
  /// Networks of ImageNet: shorter side bilinear antialiased, centre crop, [0,1], its mean/std.
  static PreprocessSpec imagenet(int size);

  /// What parse() reads.
  Json to_json() const;
  /// Messages start with `subject`. Errors: kCorrupt, also for unknown keys.
  static Result<PreprocessSpec> parse(const Json& json, std::string_view subject);
  /// Errors: kInvalidArgument when the steps cannot work: not exactly one kToFloat, grey or
  /// uint8-only steps after it, normalise before it, sizes outside 1..4096, std of 0, last spatial
  /// step not square.
  Status validate() const;
  /// Side of the square output. Precondition: validate().ok().
  int output_size() const;
};

/// Runs `spec` on a picture. When a centre crop follows a resize directly, only the cropped part is
/// resized. Shape: [H, W, 3] uint8 -> `out` [3, S, S] float32 with S = spec.output_size().
/// Precondition: out.size() == 3 * S * S. Errors: kInvalidArgument for an empty picture or a spec
/// that does not validate; kResourceLimit when a very thin picture would grow above 64 million
/// pixels.
Status preprocess(ImageView source, const PreprocessSpec& spec, std::span<float> out);

}  // namespace mien::image
